# SPDX-License-Identifier: Apache-2.0
"""Long polls end at once: whether they wait is tested elsewhere."""
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
