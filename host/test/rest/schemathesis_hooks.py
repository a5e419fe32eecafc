# SPDX-License-Identifier: Apache-2.0
"""Long polls end at once: whether they wait is tested elsewhere. Refusals of the TSM-Backend have their category."""
import re

import schemathesis

LONGEST_MS = 120_000


@schemathesis.hook
def before_call(context, case, kwargs):
    if isinstance(case.body, dict) and valid(case.body.get("waitMs")):
        case.body["waitMs"] = 0
    if isinstance(case.query, dict) and str(case.query.get("waitMs", "")).isdigit():
        case.query["waitMs"] = "0"


def valid(value):
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LONGEST_MS


# In use or published, of another chip, or naming what is not there; a file that is none or missing.
REFUSED_THOUGH_WELL_FORMED = {1009, 1010, 1011, 1013, 1015, 1016}
# Formats of the document's own, which nobody generates (`tlv`), and an empty text, which is none (T10).
OWN_FORMAT = re.compile(r"Supported format is TLV structures|^Invalid format '' ")
# A tag is chosen once (T3), and once in a Service.
TAG = re.compile(r"attribute tag not allowed for PUT|another one for each Version")


@schemathesis.check
def tsms_refusal(ctx, response, case):
    """A request that follows the published document is refused for what is there, never for its form."""
    if response.status_code != 400 or "errorCategory" not in response.text:
        return
    generation = case.meta.generation if case.meta is not None else None
    if generation is None or not generation.mode.is_positive:
        return
    category = response.json()["errorCategory"]
    if category == 1008 and OWN_FORMAT.search(response.json()["errorMessage"]):
        return
    # The document forbids no other attributes; those that it has are words.
    if category == 1007 and not re.search(r"‘[A-Za-z.]+’", response.json()["errorMessage"]):
        return
    # An empty text is none (T10).
    empty = re.search(r"attribute (\w+) is missing", response.text)
    if empty and isinstance(case.body, dict) and case.body.get(empty[1]) == "":
        return
    if category not in REFUSED_THOUGH_WELL_FORMED and not TAG.search(response.text):
        raise AssertionError(f"refused with {category} although it follows the document: {response.text}")
