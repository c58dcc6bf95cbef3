"""The asset checks of the job that relate tables to each other; each table's own check runs inside its asset."""

from settlement.checks.asset_checks import make_invariant_checks

CHECKS = make_invariant_checks()
