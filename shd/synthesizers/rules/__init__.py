"""Rules between columns: what they are, how they are found, and how sampling keeps them."""

from shd.synthesizers.rules.find import find_rules
from shd.synthesizers.rules.keep import as_rules, check_columns, draw_keeping
from shd.synthesizers.rules.rule import Rule, rule_from_dict

__all__ = ["Rule", "as_rules", "check_columns", "draw_keeping", "find_rules", "rule_from_dict"]
