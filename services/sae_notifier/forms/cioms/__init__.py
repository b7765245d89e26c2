"""The CIOMS I form, box by box, from the same facts as the Vietnamese form. In English; somebody's own words stay as typed."""
