"""Sinks: what alarms are delivered to."""
