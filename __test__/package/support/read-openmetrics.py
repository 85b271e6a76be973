# Reads texts in the format of OpenMetrics with the reference parser, which raises an error for what is none.
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        families = list(text_string_to_metric_families(file.read()))
    print(f"{path}: {len(families)} families")
