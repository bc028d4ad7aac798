"""A plan of the workflow stays quiet."""

import logging

from relscale.provenance.dag import _kept_from_other_handlers


def test_messages_of_a_dry_run_do_not_reach_the_handlers_of_the_command(caplog):
    logger = logging.getLogger("snakemake.logging")
    with _kept_from_other_handlers("snakemake"):
        logger.warning("a job of the dry run")
    assert not caplog.records
    logger.warning("after the plan")
    assert [record.message for record in caplog.records] == ["after the plan"]
