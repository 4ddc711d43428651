"""Which sinks there are, and how one is made from its settings. A kind's library is imported when it is needed."""

from __future__ import annotations

from importlib import import_module

from runtime.config import plugins
from runtime.config.sinks import PluginSettings, SinkSettings
from runtime.sinks.sink import Context, Sink

_BUILT_IN = {
    "jsonl": ("runtime.sinks.jsonl", "JsonlSink"),
    "mqtt": ("runtime.sinks.mqtt", "MqttSink"),
    "webhook": ("runtime.sinks.webhook", "WebhookSink"),
    "email": ("runtime.sinks.email", "EmailSink"),
}


def open_sink(settings: SinkSettings, context: Context) -> Sink:
    """A sink that is ready. Raises what its kind raises: UserError for a package that is broken, else anything."""
    sink: Sink
    if isinstance(settings, PluginSettings):
        sink = plugins.load(plugins.installed()[settings.kind])(settings.own, context)
    else:
        module, name = _BUILT_IN[settings.kind]
        sink = getattr(import_module(module), name)(settings, context)
    return sink
