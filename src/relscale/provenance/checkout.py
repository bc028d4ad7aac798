"""State of one experiment in a checkout: its jobs compared with their results, its certificate."""

from collections.abc import Sequence
from pathlib import Path

from relscale.config.experiment import Experiment
from relscale.config.load import load_experiment
from relscale.provenance import certificate
from relscale.provenance.certified import CERTIFIED
from relscale.provenance.certify import certify, rule_of
from relscale.provenance.checksums import Checksums, checksums_place, note
from relscale.provenance.dag import planned_jobs
from relscale.provenance.published import Agreement, compare
from relscale.provenance.verify import Finding, refuse_stale, verify


def verified(
    overlays: Sequence[Path], folder: Path, *, record: bool = False
) -> tuple[Experiment, list[Finding]]:
    """Return the experiment and the state of each of its jobs.

    Args:
        overlays: the experiment's overlays.
        folder: the checkout.
        record: whether to record the checksums of results that have none yet.
    """
    # First, since Snakemake runs code in a file with the key __use_yte__, which is none of ours.
    experiment = load_experiment(folder / "config.yaml", *overlays)
    jobs = planned_jobs(overlays, folder)
    place = checksums_place(experiment.experiment)
    if record:
        note(jobs, Checksums.read(folder, place))
    return experiment, verify(jobs, Checksums.read(folder, place))


def compared(overlays: Sequence[Path], folder: Path, where: Path) -> Agreement:
    """Compare the results of an experiment with a certificate.

    Args:
        overlays: the experiment's overlays.
        folder: the checkout.
        where: folder of the certificate, or its `certificate.json`.

    Raises:
        ValueError: naming the file, if there is no certificate or no table of laws.
    """
    published = certificate.read(where)  # first, since planning the jobs takes seconds
    name = load_experiment(folder / "config.yaml", *overlays).experiment
    jobs = planned_jobs(overlays, folder)
    return compare(published, certify(name, jobs, Checksums.read(folder, checksums_place(name))))


def write_certificate(
    experiment: str, findings: Sequence[Finding], folder: Path, out: Path
) -> list[Path]:
    """Write the certificate of up-to-date results.

    Args:
        experiment: its name.
        findings: the state of each job.
        folder: the checkout.
        out: folder for the certificate.

    Returns:
        The files of the certificate.

    Raises:
        ValueError: naming the first stale job; a certificate must not describe stale results.
    """
    used = [finding for finding in findings if rule_of(finding.job) in CERTIFIED]
    refuse_stale(used, f"results/{experiment}")
    jobs = [finding.job for finding in findings]
    checksums = Checksums.read(folder, checksums_place(experiment))
    return certificate.write(certify(experiment, jobs, checksums), out)
