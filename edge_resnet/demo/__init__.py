"""The demo: a generator of labelled surveillance pictures and clips, and the run that trains and alarms on them."""
