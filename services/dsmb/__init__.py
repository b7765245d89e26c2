"""The Data Safety Monitoring Board's service; its seat. It will own data cuts, consume both topics and publish alerts without arms."""
