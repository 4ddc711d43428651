"""Why a camera gives no frames: a reason that can be counted, and one line for people."""

from __future__ import annotations

from typing import Literal, get_args

from edge_resnet.errors import CameraError

# refused: nobody listens there. unauthorised: user or password. not found: no such stream or device. timeout: silence.
# unreachable: no way to the host, or no such name. codec: what comes is no video that can be decoded. gone: it was
# there, and has ended. busy: another program has the device. resources: this box is out of files, memory or threads.
Reason = Literal["refused", "unauthorised", "not_found", "timeout", "unreachable", "codec", "gone", "busy", "resources"]
REASONS: tuple[Reason, ...] = get_args(Reason)


class Outage(CameraError):
    """A camera that cannot be opened, or has stopped. `reason` for counting; the message is one line, no password."""

    def __init__(self, camera: str, reason: Reason, advice: str) -> None:
        why = f"{reason.replace('_', ' ')}; {advice}"
        super().__init__(f"camera {camera}: {why}")
        self.reason: Reason = reason
        # For where the name stands already; and the reason, too.
        self.why, self.advice = why, advice
