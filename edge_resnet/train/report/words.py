"""What the words on the report's page mean."""

from __future__ import annotations

WORDS = """<h2>What the words mean</h2>
<dl>
<dt>95%: from, to<dd>The range in which the true share lies with 95% certainty, if the pictures are independent
(Wilson's interval). Few pictures make it wide.
<dt>Blind guess<dd>Always answering with the most frequent class of training.
<dt>Nearest class mean<dd>The class whose average training picture is most alike in the pretrained network's eyes;
nothing is trained.
<dt>Linear probe<dd>Only the last layer is trained. What the rest of the training adds is the difference to this.
<dt>McNemar's test<dd>Compares two classifiers on the same pictures by those that only one of them has right; p is how
often chance alone would do as much. Under 0.05 counts as shown.
<dt>Recall, precision<dd>Of a class's pictures, the share that is found; of the pictures that are called so, the share
that truly is. <b>Average precision</b> is the area under the curve of both.
<dt>Balanced over classes<dd>The mean recall of all classes: a rare class counts as much as a frequent one.
<dt>Calibration error, temperature<dd>How far confidence is from accuracy on average (ECE in 15 bins): of a hundred
answers that are 80% sure, eighty should be right. The temperature is one number, fitted on validation, that mends it.
<dt>Leak<dd>A judged picture that is the same as, looks like, or is of one clip with a training picture. The model has
seen it, so it says nothing on new pictures.
</dl>"""
