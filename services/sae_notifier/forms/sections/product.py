"""Section 3: the study product, the procedures of giving it, and the cell batches."""

from __future__ import annotations

from services.sae_notifier.forms import reasons
from services.sae_notifier.forms.facts import Facts, ended, exposure_name, quantity, said
from services.sae_notifier.forms.fields import Block, Column, Field, Section, Table, Value, Values, absent, given
from services.sae_notifier.forms.vocabulary import STERILITY
from services.sae_notifier.forms.words import Words
from shared.case import Batch, Exposure

_NOT_DOSED = {"lumbar_puncture", "bone_marrow_harvest"}


def section(facts: Facts) -> Section:
    product, maker = facts.trial.product, facts.trial.manufacturer
    blocks: list[Block] = [
        Field(
            "product",
            Words("Sản phẩm nghiên cứu", "Study product"),
            (Value(product) if product else absent(reasons.NOT_IN_TRIAL),),
        ),
        Field(
            "manufacturer",
            Words("Nơi sản xuất", "Manufacturer"),
            (Value(maker) if maker else absent(reasons.NOT_IN_TRIAL),),
        ),
        _doses(facts),
        _batches(facts),
    ]
    return Section(3, Words("Sản phẩm nghiên cứu và thủ thuật", "Study product and procedures"), tuple(blocks))


def _doses(facts: Facts) -> Table:
    columns = (
        Column(Words("Sản phẩm hoặc thủ thuật", "Product or procedure"), 34),
        Column(Words("Liều", "Dose"), 18),
        Column(Words("Đường dùng", "Route"), 18),
        Column(Words("Bắt đầu", "Start"), 26),
        Column(Words("Kết thúc", "Stop"), 26),
        Column(Words("Số lô", "Batch no."), 18),
    )
    rows = tuple(_dose(facts, one) for one in facts.study())
    return Table("doses", Words("Các lần dùng", "Doses given"), columns, rows, reasons.NO_EXPOSURE)


def _dose(facts: Facts, one: Exposure) -> tuple[Values, ...]:
    cells = one.kind in facts.trial.investigational
    return (
        exposure_name(one),
        (quantity(one.dose, reasons.NOT_APPLICABLE if one.kind in _NOT_DOSED else reasons.NOT_STATED),),
        (said(one.route, reasons.NOT_APPLICABLE if one.kind in _NOT_DOSED else reasons.NOT_STATED),),
        facts.moment(one.start, reasons.NOT_STATED),
        ended(facts, one),
        (said(one.batch_id, reasons.NO_BATCH if cells else reasons.NOT_APPLICABLE),),
    )


def _batches(facts: Facts) -> Table:
    columns = (
        Column(Words("Số lô", "Batch no."), 18),
        Column(Words("Lấy tế bào / xuất lô", "Harvested / released"), 32),
        Column(Words("Hạn dùng", "Expiry"), 18),
        Column(Words("Số lượng tế bào; tỷ lệ sống", "Cells; viability"), 24),
        Column(Words("Vô khuẩn", "Sterility"), 28),
        Column(Words("Kiểm tra chuỗi nhận dạng", "Chain of identity"), 20),
    )
    linked = {one.batch_id for one in facts.study()}
    batches = sorted(facts.batches, key=lambda one: (one.batch_id not in linked, one.batch_id))
    rows = tuple(batch_row(facts, one) for one in batches)
    return Table("batches", Words("Các lô tế bào của trẻ", "The child's cell batches"), columns, rows, reasons.NO_BATCH)


def batch_row(facts: Facts, one: Batch) -> tuple[Values, ...]:
    if one.viability_percent is None:
        viability = absent(Words("Tỷ lệ sống: chưa có", "Viability: not stated"))
    else:
        viability = given(f"{one.viability_percent} %")
    sterility: list[Value] = [
        Value(STERILITY[one.sterility], "absent" if one.sterility in {"pending", "unknown"} else "given")
    ]
    if one.organism and one.organism.strip():
        sterility.append(said(one.organism, reasons.NOT_STATED))
    if one.sterility_on:
        sterility += facts.moment(one.sterility_on, reasons.NOT_STATED)
    checked = {
        True: given("Đã kiểm tra", "Checked"),
        False: given("CHƯA kiểm tra", "NOT checked"),
        None: absent(reasons.NOT_STATED),
    }
    return (
        (given(one.batch_id),),
        (*facts.moment(one.harvested, reasons.NOT_STATED), *facts.moment(one.released, reasons.NOT_STATED)),
        (absent(reasons.NOT_COLLECTED),),
        (quantity(one.cells, reasons.NOT_STATED), viability),
        tuple(sterility),
        (checked[one.identity_checked],),
    )
