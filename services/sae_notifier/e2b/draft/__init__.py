"""From a case to the content of a report, section by section as E2B(R3) numbers them."""
