"""Contract of the table `surface`."""

from relscale.contract.table import DOMAIN_KEY, STATUS, Table, floats, integers, text

SURFACE = Table(
    name="surface",
    description="The surface L(N, D) of every domain, fitted by two methods.",
    key=(*DOMAIN_KEY, "method"),
    columns={
        **text(*DOMAIN_KEY, "method", "bootstrap"),
        **floats(
            "equal_variance_p",
            "tokens_per_param_decades",
            "condition",
            "left_out_error_percent",
            "simpler_left_out_error_percent",
            "delta",
            "irreducible",
            "irreducible_standard_error",
            "irreducible_ci_low",
            "irreducible_ci_high",
            "coefficient_params",
            "alpha",
            "alpha_standard_error",
            "alpha_ci_low",
            "alpha_ci_high",
            "coefficient_tokens",
            "beta",
            "beta_standard_error",
            "beta_ci_low",
            "beta_ci_high",
            "optimal_params_exponent",
            "optimal_params_exponent_standard_error",
            "optimal_params_exponent_ci_low",
            "optimal_params_exponent_ci_high",
            "objective",
            "num_starts",
            "starts_at_optimum",
            "draws",
        ),
        **integers("num_runs"),
        **STATUS,
    },
)
