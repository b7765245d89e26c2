"""Our own rules: what the XSD cannot see. Ids of FDA's rules (R…, W…) are FDA's; the others are named after what they check."""
