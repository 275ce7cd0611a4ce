#!/usr/bin/env bash
# JAX 0.10.2: partition of quantized pixels loses -128, and returns another pixel twice instead.
#
# jnp.partition finds the smallest values as the largest of the negated ones, and -(-128) is -128 again in int8. So the smallest pixel is
# taken for the largest, and the result lacks it, as does that of int16, int32 and int64 with their smallest numbers; argpartition puts
# its index last. Unsigned pixels and floats are right. The documentation says that the result is a partially sorted copy of the input.
# Pull request 40338, merged after this release, repairs it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import jax
import jax.numpy as jnp
import numpy as np

print("JAX", jax.__version__)
pixels = [0, 100, -128, 120, 7]
for dtype, values in [
    (jnp.int8, pixels),
    (jnp.int32, [0, 100, -(2**31), 120, 7]),
    (jnp.int16, pixels),
    (jnp.float32, pixels),
    (jnp.uint8, [value + 128 for value in pixels]),
]:
    seen = jnp.partition(jnp.array(values, dtype), 1).tolist()
    indices = jnp.argpartition(jnp.array(values, dtype), 1).tolist()
    name = np.dtype(dtype).name
    by_index = [values[index] for index in indices]
    print(f"{name}, the two smallest first - expected: {sorted(values)} - seen: {seen}, by argpartition: {by_index}")
    assert np.partition(np.array(values, dtype), 1)[0] == min(values)
    if min(values) == -128 and dtype == jnp.int8 or min(values) == -(2**31):
        assert min(values) not in seen and len(set(seen)) == len(values) - 1
        assert by_index.index(min(values)) > 1
    else:
        assert seen[0] == min(values) and sorted(seen) == sorted(values) and by_index.index(min(values)) < 2
PYTHON
