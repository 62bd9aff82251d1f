"""How the short versions in the tests are held to their bounds."""

from collections.abc import Sequence

import pytest

from resilience.findings import Finding

__all__ = ["hold"]


def hold(findings: Sequence[Finding]) -> None:
    """See that every finding of a scenario is within its bound."""
    assert findings
    missed = [finding for finding in findings if not finding.holds]
    if missed:
        pytest.fail("\n".join(map(str, missed)))
