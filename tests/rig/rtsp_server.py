"""An RTSP camera: GStreamer's server in a process of its own, under the system's Python, which has its bindings.

Takes its settings as JSON in the first argument, prints the port once it listens, and obeys JSON lines on its standard
input: {"pattern": NAME}, {"width": ..., "height": ..., "fps": ...} within the running stream, {"settings": {...}} for
another stream on the same mount (its viewers are sent away). It ends with its standard input.
"""

import json
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402  # the versions must be named first

_ENCODERS = {
    # With sliced threads each slice would be sent as a frame of its own.
    "h264": "x264enc tune=zerolatency sliced-threads=false speed-preset=ultrafast key-int-max={gop} "
    "! rtph264pay config-interval=-1",
    "h265": "x265enc tune=zerolatency speed-preset=ultrafast key-int-max={gop} ! rtph265pay config-interval=-1",
}
_ROLE = "viewer"


class Camera:
    """One mount. Its viewers share one encoder."""

    def __init__(self, server, settings):
        self.server = server
        self.settings = settings
        self.factory = self.media = None
        self._mount()

    def _mount(self):
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(self._launch())
        factory.set_shared(True)
        factory.connect("media-configure", self._configured)
        if self.settings["user"]:
            permissions = GstRtspServer.RTSPPermissions()
            for action in ("access", "construct"):
                permissions.add_permission_for_role(_ROLE, f"media.factory.{action}", True)
            factory.set_permissions(permissions)
        self.server.get_mount_points().add_factory("/cam", factory)
        self.factory = factory

    def _launch(self):
        if self.settings["pictures"]:
            pattern = f"{self.settings['pictures']}/%05d.jpg"
            caps = f"image/jpeg,framerate={self.settings['fps']}/1"
            source = f'multifilesrc location="{pattern}" loop=true caps="{caps}" ! jpegdec ! videoconvert ! videoscale'
        else:
            source = f"videotestsrc name=source is-live=true pattern={self.settings['pattern']}"
        encoder = _ENCODERS[self.settings["codec"]].format(gop=self.settings["gop"])
        sound = "audiotestsrc is-live=true ! alawenc ! rtppcmapay name=pay1 pt=8" if self.settings["sound"] else ""
        return f"( {source} ! capsfilter name=shape caps={self._caps()} ! {encoder} name=pay0 pt=96 {sound} )"

    def _caps(self):
        shape = {name: self.settings[name] for name in ("width", "height", "fps")}
        return "video/x-raw,format=I420,width={width},height={height},framerate={fps}/1".format(**shape)

    def _configured(self, _factory, media):
        self.media = media
        self._pad().add_probe(Gst.PadProbeType.QUERY_UPSTREAM, _not_seekable)

    def _pad(self):
        return self._element("pay0").get_static_pad("src")

    def came(self, _server, client):
        if self.settings["key_on_join"]:
            client.connect("play-request", self._send_key)

    def _send_key(self, _client, _context):
        wish = Gst.Structure.from_string("GstForceKeyUnit, all-headers=(boolean)true")[0]
        self._pad().send_event(Gst.Event.new_custom(Gst.EventType.CUSTOM_UPSTREAM, wish))

    def _element(self, name):
        return None if self.media is None else self.media.get_element().get_by_name(name)

    def command(self, order):
        if "settings" in order:
            self.settings = order["settings"]
            self._mount()
            self.media = None
            self.server.client_filter(lambda *_: GstRtspServer.RTSPFilterResult.REMOVE)
            return
        self.settings.update(order)
        source, shape = self._element("source"), self._element("shape")
        if "pattern" in order and source is not None:
            source.set_property("pattern", order["pattern"])
        elif shape is not None:
            shape.set_property("caps", Gst.Caps.from_string(self._caps()))
        # Whoever comes later must find the same.
        self.factory.set_launch(self._launch())


def _not_seekable(_pad, info):
    """A viewer who comes would start the stream anew for all others: the server seeks for him, where it can."""
    asks = info.get_query().type == Gst.QueryType.SEEKING
    return Gst.PadProbeReturn.DROP if asks else Gst.PadProbeReturn.OK


def _authentication(settings):
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", _ROLE)
    if settings["digest"]:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(settings["user"], settings["password"], token)
    else:
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(settings["user"], settings["password"]), token)
    return auth


def _say(what):
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def main():
    settings = json.loads(sys.argv[1])
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(settings["port"]))
    if settings["user"]:
        server.set_auth(_authentication(settings))
    camera = Camera(server, settings)
    server.connect("client-connected", camera.came)
    if not server.attach(None):
        sys.exit("cannot listen")
    _say(server.get_bound_port())
    loop = GLib.MainLoop()

    def ordered(channel, _condition):
        line = channel.readline()
        if not line:
            loop.quit()
            return False
        camera.command(json.loads(line))
        _say("done")
        return True

    GLib.io_add_watch(sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, ordered)
    loop.run()


if __name__ == "__main__":
    main()
