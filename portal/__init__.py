"""Pages and wiring: the only package that knows Flask, WTForms, RQ and the outside world."""
