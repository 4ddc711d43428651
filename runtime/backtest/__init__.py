"""Backtest: rules tried on clips and on recorded scores, their events held against the truth."""
