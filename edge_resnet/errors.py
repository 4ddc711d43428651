"""The user's mistakes, each told in one line: what is wrong, where, and what to do."""


class UserError(Exception):
    """A mistake that the user can mend; the command line prints it as one line and exits with 2.

    The message names what is wrong, where (path, option, key), and what to do. It never holds a secret.
    """


class PictureError(UserError):
    """A picture that cannot be used; `reason` is a short phrase that can be counted, the message adds the path."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.reason = reason


class BundleError(UserError):
    """A bundle that must not be used: incomplete, changed, too new, or leaving its folder."""


class CameraError(UserError):
    """A camera, a file or a stream that cannot be opened or read; its message never holds a password."""


class BackendError(UserError):
    """An inference engine that is missing or cannot run this model on this device."""
