"""At the end of a call, whether it went well or not: what its jobs read and wrote, as sums. Functions only."""

from snakemake.logging import logger


def note_sums():
    """Note the sums of the files of the jobs that ran; where that fails, results stand and are compared by their times."""
    from relscale.provenance.dag import jobs_of
    from relscale.provenance.checksums import Sums, note, place_of_sums

    folder, place = Path(), place_of_sums(EXPERIMENT.experiment)
    try:
        note(jobs_of(workflow.dag), Sums.read_or_begin(folder, place))
    except OSError as error:
        logger.warning(f"{place}: sums of results could not be noted: {error}")
