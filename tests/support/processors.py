"""Kernels of linear algebra and vector loops of other processors, which this machine can run."""

from numpy._core._multiarray_umath import __cpu_features__

AVX2, AVX512 = bool(__cpu_features__.get("AVX2")), bool(__cpu_features__.get("AVX512F"))
KERNELS = {
    "Nehalem": bool(__cpu_features__.get("SSE42")),
    "Haswell": AVX2,
    "SkylakeX": AVX512,
    "ARMV8": bool(__cpu_features__.get("ASIMD")),
    "NEOVERSEN1": bool(__cpu_features__.get("ASIMDDP")),
}
"""Kernels of OpenBLAS by the name that the variable OPENBLAS_CORETYPE takes, with whether this
processor has their instructions."""
WIDE_LOOPS = [name for name in ("X86_V3", "X86_V4", "AVX512_ICL") if __cpu_features__.get(name)]
"""Groups of vector instructions that numpy can do without."""


def environments() -> dict[str, dict[str, str]]:
    """Return the environments that can give other last digits on this machine, by name.

    The first one is that of the machine itself.
    """
    own = {"OPENBLAS_CORETYPE": "", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    found = {"this processor": own}
    found |= {
        f"kernel {name}": {**own, "OPENBLAS_CORETYPE": name} for name, has in KERNELS.items() if has
    }
    found["two threads"] = {**own, "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
    if WIDE_LOOPS:
        found["short vectors"] = {**own, "NPY_DISABLE_CPU_FEATURES": " ".join(WIDE_LOOPS)}
    return found
