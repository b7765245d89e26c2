"""The Vietnamese SAE form: a pure view model of one case version, and its PDF/A by Typst."""
