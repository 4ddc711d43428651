"""OpenCV and ONNX Runtime alone: the loop that most examples write, all defaults, a thread for each camera.

Every frame is read and classified; or, to take samples, every frame is grabbed and every n-th made into a picture. It
needs nothing of edge-resnet.
"""

from __future__ import annotations

import threading

import cv2
import onnxruntime

from benchmarks.peers.watching import Lines, options


def loop(session: onnxruntime.InferenceSession, number: int, url: str, side: int, every: int, lines: Lines) -> None:
    """Watch one camera until its stream ends."""
    capture = cv2.VideoCapture(url)
    name = session.get_inputs()[0].name
    count = 0
    while capture.grab():
        count += 1
        if count % every:
            continue
        good, image = capture.retrieve()
        if good:
            session.run(["logits"], {name: cv2.resize(image, (side, side))[None]})
            lines.classified(number, capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0)


def main() -> None:
    """Watch all cameras."""
    args, lines = options(__doc__), Lines()
    session = onnxruntime.InferenceSession(args.model, providers=["CPUExecutionProvider"])
    for number, url in enumerate(args.urls):
        threading.Thread(target=loop, args=(session, number, url, args.side, args.every, lines)).start()


if __name__ == "__main__":
    main()
