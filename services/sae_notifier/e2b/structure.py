"""What HL7 fixes and no case decides: class, mood and type attributes, the order of children, the constants of a message."""

from __future__ import annotations

from lxml import etree

from services.sae_notifier.e2b.oids import ACK_MESSAGE, ACK_ROOT, BATCH_ROOT, INTERACTION, MESSAGE, NS

_ACT = {"classCode": "ACT", "moodCode": "EVN"}
_OBSERVATION = {"classCode": "OBS", "moodCode": "EVN"}
_INSTANCE = {"determinerCode": "INSTANCE"}
_KIND = {"determinerCode": "KIND"}
_FIXED: dict[str, dict[str, str]] = {
    "act": _ACT,
    "actReference": _OBSERVATION,
    "adverseEffectReference": _OBSERVATION,
    "adverseEventAssessment": {"classCode": "INVSTG", "moodCode": "EVN"},
    "approval": {"classCode": "CNTRCT", "moodCode": "EVN"},
    "asIdentifiedEntity": {"classCode": "IDENT"},
    "asLocatedEntity": {"classCode": "LOCE"},
    "asManufacturedProduct": {"classCode": "MANU"},
    "asQualifiedEntity": {"classCode": "QUAL"},
    "assignedEntity": {"classCode": "ASSIGNED"},
    "assignedPerson": {"classCode": "PSN"} | _INSTANCE,
    "associatedPerson": {"classCode": "PSN"} | _INSTANCE,
    "author": {"typeCode": "AUT"},
    "authorization": {"typeCode": "AUTH"},
    "causalityAssessment": _OBSERVATION,
    "component": {"typeCode": "COMP"},
    "component1": {"typeCode": "COMP"},
    "consumable": {"typeCode": "CSM"},
    "controlActEvent": {"classCode": "CACT", "moodCode": "EVN"},
    "controlActProcess": {"classCode": "CACT", "moodCode": "EVN"},
    "device": {"classCode": "DEV"} | _INSTANCE,
    "document": {"classCode": "DOC", "moodCode": "EVN"},
    "governingPlace": {"classCode": "COUNTRY"} | _INSTANCE,
    "holder": {"typeCode": "HLD"},
    "ingredient": {"classCode": "ACTI"},
    "ingredientSubstance": {"classCode": "MMAT"} | _KIND,
    "instanceOfKind": {"classCode": "INST"},
    "investigationCharacteristic": _OBSERVATION,
    "investigationEvent": {"classCode": "INVSTG", "moodCode": "EVN"},
    "kindOfProduct": {"classCode": "MMAT"} | _KIND,
    "locatedEntity": {"classCode": "LOCE"},
    "locatedPlace": {"classCode": "COUNTRY"} | _INSTANCE,
    "observation": _OBSERVATION,
    "observationEvent": _OBSERVATION,
    "observationRange": {"classCode": "OBS", "moodCode": "EVN.CRT"},
    "organizer": {"classCode": "CATEGORY", "moodCode": "EVN"},
    "outboundRelationship": {"typeCode": "SPRT"},
    "performer": {"typeCode": "PRF"},
    "player1": {"classCode": "PSN"} | _INSTANCE,
    "playingOrganization": {"classCode": "ORG"} | _INSTANCE,
    "primaryRole": {"classCode": "INVSBJ"},
    "productEvent": _ACT,
    "productInstanceInstance": {"classCode": "MMAT"} | _INSTANCE,
    "productUseReference": {"classCode": "SBADM", "moodCode": "EVN"},
    "receiver": {"typeCode": "RCV"},
    "reference": {"typeCode": "REFR"},
    "referenceRange": {"typeCode": "REFV"},
    "relatedInvestigation": {"classCode": "INVSTG", "moodCode": "EVN"},
    "representedOrganization": {"classCode": "ORG"} | _INSTANCE,
    "researchStudy": {"classCode": "CLNTRL", "moodCode": "EVN"},
    "sender": {"typeCode": "SND"},
    "studyRegistration": _ACT,
    "subject": {"typeCode": "SUBJ"},
    "subject2": {"typeCode": "SUBJ"},
    "substanceAdministration": {"classCode": "SBADM", "moodCode": "EVN"},
    "territorialAuthority": {"classCode": "TERR"},
    "territory": {"classCode": "NAT"} | _INSTANCE,
}
_FIXED_BELOW: dict[tuple[str, str], dict[str, str]] = {
    ("asLocatedEntity", "location"): {"classCode": "COUNTRY"} | _INSTANCE,
    ("observation", "location"): {"typeCode": "LOC"},
    ("observation", "outboundRelationship2"): {"typeCode": "PERT"},
    ("holder", "role"): {"classCode": "HLD"},
    ("asManufacturedProduct", "subjectOf"): {"typeCode": "SBJ"},
    ("instanceOfKind", "subjectOf"): {"typeCode": "SBJ"},
    ("adverseEventAssessment", "subject1"): {"typeCode": "SBJ"},
    ("causalityAssessment", "subject1"): {"typeCode": "SUBJ"},
    ("role", "subjectOf2"): {"typeCode": "SBJ"},
    ("primaryRole", "subjectOf1"): {"typeCode": "SBJ"},
    ("primaryRole", "subjectOf2"): {"typeCode": "SBJ"},
    ("investigationEvent", "subjectOf1"): {"typeCode": "SUBJ"},
    ("investigationEvent", "subjectOf2"): {"typeCode": "SUBJ"},
    ("relatedInvestigation", "subjectOf2"): {"typeCode": "SUBJ"},
}
_ORDER: dict[str, str] = {
    BATCH_ROOT: f"id creationTime responseModeCode interactionId name {MESSAGE} receiver sender",
    MESSAGE: "id creationTime interactionId processingCode processingModeCode acceptAckCode receiver sender controlActProcess",
    ACK_ROOT: f"id creationTime responseModeCode interactionId {ACK_MESSAGE} receiver sender attentionLine acknowledgement",
    ACK_MESSAGE: "id creationTime interactionId processingCode processingModeCode acceptAckCode receiver sender attentionLine acknowledgement",
    "controlActProcess": "code effectiveTime subject",
    "investigationEvent": (
        "id code text statusCode effectiveTime availabilityTime reference component outboundRelationship "
        "subjectOf1 subjectOf2"
    ),
    "adverseEventAssessment": "subject1 component component1",
    "primaryRole": "player1 subjectOf1 subjectOf2",
    "player1": "name administrativeGenderCode birthTime deceasedTime raceCode asIdentifiedEntity role",
    "asIdentifiedEntity": "id code",
    "role": "associatedPerson subjectOf2",
    "associatedPerson": "name administrativeGenderCode birthTime",
    "researchStudy": "id code title authorization",
    "studyRegistration": "id author",
    "organizer": "code component",
    "observation": (
        "id code text statusCode effectiveTime confidentialityCode value interpretationCode performer "
        "author location referenceRange outboundRelationship1 outboundRelationship2 inboundRelationship"
    ),
    "observationEvent": "code value author",
    "investigationCharacteristic": "code value",
    "observationRange": "value interpretationCode",
    "substanceAdministration": (
        "id text statusCode effectiveTime routeCode doseQuantity doseCheckQuantity consumable performer "
        "author location outboundRelationship1 outboundRelationship2 inboundRelationship"
    ),
    "instanceOfKind": "productInstanceInstance kindOfProduct subjectOf",
    "kindOfProduct": "code name formCode asManufacturedProduct ingredient",
    "ingredient": "quantity ingredientSubstance",
    "ingredientSubstance": "code name",
    "quantity": "numerator denominator",
    "approval": "id holder author",
    "productEvent": "code performer",
    "outboundRelationship1": "pauseQuantity actReference",
    "outboundRelationship": "priorityNumber relatedInvestigation",
    "relatedInvestigation": "code subjectOf2",
    "controlActEvent": "id author",
    "causalityAssessment": "code value methodCode author subject1 subject2",
    "assignedEntity": "code addr telecom assignedPerson representedOrganization",
    "assignedPerson": "name asQualifiedEntity asLocatedEntity",
    "representedOrganization": "name addr assignedEntity",
    "name": "prefix given family",
    "addr": "streetAddressLine city state postalCode country",
    "document": "code title text bibliographicDesignationText",
    "effectiveTime": "low high width",
    "value": "originalText low center high",
}
_PLACES = {parent: {name: place for place, name in enumerate(names.split())} for parent, names in _ORDER.items()}

CONSTANTS: dict[str, tuple[str, ...]] = {
    "N.1": (
        "responseModeCode[@code=D]",
        f"interactionId[@root={INTERACTION}][@extension={BATCH_ROOT}]",
    ),
    "N.2.r": (
        f"interactionId[@root={INTERACTION}][@extension={MESSAGE}]",
        "processingCode[@code=P]",
        "acceptAckCode[@code=AL]",
        "controlActProcess/code[@code=PORR_TE049016UV][@codeSystem=2.16.840.1.113883.1.18]",
        "$IE/code[@code=PAT_ADV_EVNT][@codeSystem=2.16.840.1.113883.5.4]",
        "$IE/statusCode[@code=active]",
    ),
}
"""What every batch and every message says word for word; the XSD does not notice when one is wrong or missing."""


def fixed_attributes(parent: str, name: str) -> dict[str, str]:
    """The attributes this element always has below this parent."""
    return _FIXED_BELOW.get((parent, name)) or _FIXED.get(name, {})


def local(node: etree._Element) -> str:
    """The element's name without its name space; empty for comments and the like."""
    return node.tag.removeprefix(f"{{{NS}}}") if isinstance(node.tag, str) else ""


def put_in_order(root: etree._Element) -> None:
    """Children in the order the schema wants; equals keep theirs."""
    for node in list(root.iter(etree.Element)):
        places = _PLACES.get(local(node))
        if places is not None and len(node) > 1:
            last = len(places)
            ranked = [(places.get(local(child), last), child) for child in node]
            node[:] = [child for _, child in sorted(ranked, key=lambda pair: pair[0])]
