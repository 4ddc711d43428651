"""What the words on the proof's page mean."""

from __future__ import annotations

WORDS = """<h2>What the words mean</h2>
<dl>
<dt>Precision<dd>How many bits a number has inside the network. FP32 is exact as trained; FP16 and BF16 have half the
bits, INT8 a quarter. Fewer bits are faster and less exact.
<dt>Same answers<dd>The share of pictures to which the engine gives the class that the trained model gives. Below it,
the range in which the true share lies with 95% certainty (Wilson's interval).
<dt>Accuracy<dd>The share of pictures with the right class, and its change in percentage points (pp). <i>shown</i>: the
loss is under the margin, with 95% certainty; <i>refuted</i>: it is over; <i>undecided</i>: too few pictures to say, and
how many would be needed. Refuted fails, undecided does not.
<dt>Speed<dd>How many times as fast as the fastest FP32 engine, and milliseconds for one picture. All engines were timed
in turns, in the same minutes on the same machine. <i>ship</i>: at least a tenth faster than what is more exact.
<dt>Precision shown<dd>The engine's own inspector tells in which precision its convolutions, nearly all of the work,
really run. An engine that quietly runs another one fails.
<dt>Emulated<dd>This device has no such arithmetic. The numbers are a stand-in, on fewer pictures, and no
speed is told.
<dt>Built, not run<dd>The engine's file lies ready, but for another device; the proof has to be repeated there.
<dt>Logit, cosine, KL<dd>The network's raw outputs, and three ways to tell how far two sets of them are apart.
<dt>Calibration error<dd>How far confidence is from accuracy on average (ECE in 15 bins): of a hundred answers that are
80% sure, eighty should be right.
</dl>"""
