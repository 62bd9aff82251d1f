"""Bad input: messages in-process, by the million, and bytes over each server."""

from collections.abc import Sequence

from resilience.findings import Finding
from resilience.progress import Progress
from resilience.scale import Scale
from resilience.scenarios.guided import guided_messages
from resilience.scenarios.in_process import messages_in_process
from resilience.scenarios.over_wire import bytes_over_wire
from servers.habits import Habits


async def run(scale: Scale, progress: Progress, servers: Sequence[Habits]) -> list[Finding]:
    """Do all of it."""
    findings = await messages_in_process(scale, progress)
    findings += await guided_messages(scale, progress)
    for habits in servers:
        findings += await bytes_over_wire(scale, progress, habits)
    return findings
