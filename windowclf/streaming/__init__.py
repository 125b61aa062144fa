"""Files of any size, by one process or several."""

from windowclf.streaming.benchmark import Way, measure_speed
from windowclf.streaming.processes import map_in_processes
from windowclf.streaming.tag import BlockTagger, TagFormat, tag_blocks

__all__ = ["BlockTagger", "TagFormat", "Way", "map_in_processes", "measure_speed", "tag_blocks"]
