from django.apps import AppConfig
from typing_extensions import override


class MonitorConfig(AppConfig):
    name = "howto.monitor"

    @override
    def ready(self) -> None:
        from . import metrics  # noqa: F401, PLC0415 - its receivers listen from now on
