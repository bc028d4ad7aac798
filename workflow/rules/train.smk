"""Training: one job per run.

There is one rule per number of GPUs and per length, since SLURM gives all tasks of an array the
same resources.
"""


rule train:
    """Train one model of the suite to its budget."""
    input:
        manifest=lambda wildcards: LAYOUT.tokens(RUNS[wildcards.run].corpus, "manifest.json"),
        tokenizer=LAYOUT.tokenizer,
        tokens=lambda wildcards: training_tokens(RUNS[wildcards.run].corpus),
        checked=lambda wildcards: after_preflight(
            LAYOUT.run_file(wildcards.run, "record.json"),
            training_specs.training_spec(RUNS[wildcards.run], AUTOMATIC_STEP),
            [code_digest("relscale.stages.train"), lock_digest("relscale.stages.train")],
        ),
    output:
        record=f"{RESULTS}/runs/{{run}}/record.json",
        curve=f"{RESULTS}/runs/{{run}}/curve.csv",
        speed=f"{RESULTS}/runs/{{run}}/speed.csv",
        model=directory(f"{RESULTS}/runs/{{run}}/model"),
    log:
        f"logs/{EXPERIMENT.name}/train/{{run}}.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/train/{{run}}.jsonl"
    wildcard_constraints:
        run=any_of(SCHEDULING.runs_with(0, 1, short=True)),
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        gpu=lambda wildcards: training_resources(wildcards).gpu,
        mem_mb=lambda wildcards: training_resources(wildcards).mem_mb,
        gpu_mem_mb=lambda wildcards: training_resources(wildcards).gpu_mem_mb,
        runtime=lambda wildcards: training_resources(wildcards).runtime,
        cpus_per_task=lambda wildcards: training_resources(wildcards).cpus_per_task,
        nodes=lambda wildcards: training_resources(wildcards).nodes,
        every_steps=str(EXPERIMENT.settings.training.checkpoint_every_steps or ""),
        every_minutes=str(EXPERIMENT.settings.training.checkpoint_every_minutes),
        tensorboard=f"{RESULTS}/tensorboard" if EXPERIMENT.settings.training.tensorboard else "",
    params:
        spec=lambda wildcards: canonical_json(
            training_specs.training_spec(RUNS[wildcards.run], AUTOMATIC_STEP)
        ),
        threads=lambda wildcards, threads: str(threads),
        code=code_digest("relscale.stages.train"),
        lock=lock_digest("relscale.stages.train"),
        checkpoints=f"{SHARED}/checkpoints",
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.train \
            --spec <(printf %s {params.spec:q}) \
            --threads {params.threads} \
            --processes {resources.gpu} \
            --checkpoints {params.checkpoints:q} \
            --defined-by {params.code:q} {params.lock:q} \
            --every-steps={resources.every_steps:q} \
            --every-minutes={resources.every_minutes:q} \
            --tensorboard={resources.tensorboard:q} \
            --manifest {input.manifest:q} \
            --tokenizer {input.tokenizer:q} \
            --out-record {output.record:q} \
            --out-curve {output.curve:q} \
            --out-speed {output.speed:q} \
            --out-model {output.model:q}
        """


use rule train as train_long with:
    wildcard_constraints:
        run=any_of(SCHEDULING.runs_with(0, 1, short=False)),


use rule train as train_2gpu with:
    wildcard_constraints:
        run=any_of(SCHEDULING.runs_with(2, short=True)),


use rule train as train_2gpu_long with:
    wildcard_constraints:
        run=any_of(SCHEDULING.runs_with(2, short=False)),


use rule train as train_4gpu with:
    wildcard_constraints:
        run=any_of(SCHEDULING.runs_with(4, short=True)),


use rule train as train_4gpu_long with:
    wildcard_constraints:
        run=any_of(SCHEDULING.runs_with(4, short=False)),


use rule train as train_8gpu with:
    wildcard_constraints:
        run=any_of(SCHEDULING.runs_with(8, short=True)),


use rule train as train_8gpu_long with:
    wildcard_constraints:
        run=any_of(SCHEDULING.runs_with(8, short=False)),


rule implementations:
    """Write which step trained each run, and warn if they differ."""
    input:
        records=[LAYOUT.run_file(run, "record.json") for run in RUNS],
    output:
        table=f"{RESULTS}/tables/implementations.csv",
    log:
        f"logs/{EXPERIMENT.name}/implementations.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/implementations.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=500,
        runtime="5m",
    params:
        code=code_digest("relscale.stages.implementations"),
        lock=lock_digest("relscale.stages.implementations"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.implementations \
            --record {input.records:q} \
            --out {output.table:q}
        """


rule curves:
    """Gather the loss curves of all runs into one table."""
    input:
        curves=[LAYOUT.run_file(run, "curve.csv") for run in RUNS],
    output:
        table=f"{RESULTS}/tables/curves.csv",
    log:
        f"logs/{EXPERIMENT.name}/curves.log",
    benchmark:
        f"benchmarks/results/{EXPERIMENT.name}/curves.jsonl"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    resources:
        mem_mb=500,
        runtime="5m",
    params:
        code=code_digest("relscale.stages.gather"),
        lock=lock_digest("relscale.stages.gather"),
    shell:
        """
        exec &> >(tee {log:q})
        python -m relscale.stages.gather \
            --kind training_curves \
            --table {input.curves:q} \
            --out {output.table:q}
        """
