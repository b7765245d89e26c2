"""Known-wrong designs. Each module's `apply()` changes the product's modules before a service's `main` is imported."""
