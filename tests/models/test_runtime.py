import gc
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from stages.common.model_config import ModelConfig
from stages.models import runtime
from stages.models.build import build_model
from stages.models.runtime import imports_lightened, keras, start_up_messages_filtered, tf
from tests.conftest import PROJECT


@pytest.mark.slow
def test_tensorflow_starts_in_silence() -> None:
    """And stays silent where it compiles a function again and again."""
    code = "import stages.models.runtime as r; r.use_float16_in_silence(); r.tf.zeros(1, r.tf.float16) + 1\n"
    code += "f = r.tf.function(lambda x: x)\nfor number in range(9): f(number)"
    started = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True, capture_output=True, text=True)
    assert started.stdout + started.stderr == ""


def test_a_person_s_settings_of_keras_are_ignored(tmp_path: Path) -> None:
    (tmp_path / ".keras").mkdir()
    settings = {"floatx": "float16", "epsilon": 0.1, "image_data_format": "channels_first"}
    (tmp_path / ".keras/keras.json").write_text(json.dumps(settings))
    code = "from stages.models.runtime import keras\n"
    code += "print(keras.config.floatx(), keras.config.epsilon(), keras.config.image_data_format())\n"
    code += "import os; print('TF_XLA_FLAGS' in os.environ)"
    environment = {**os.environ, "HOME": str(tmp_path), "TF_XLA_FLAGS": "--tf_xla_auto_jit=2"}
    command = [sys.executable, "-c", code]
    started = subprocess.run(command, cwd=PROJECT, env=environment, check=True, capture_output=True, text=True)
    assert started.stdout == "float32 1e-07 channels_last\nFalse\n"


def test_a_refused_import_fails_and_works_again_later() -> None:
    """As does garbage collection after it."""
    with suppress(ImportError), imports_lightened(["antigravity", "os"]):
        import os as still_there  # noqa: F401  # imported before

        assert not gc.isenabled()
        import antigravity  # noqa: F401

        pytest.fail("it was imported")
    assert "antigravity" not in sys.modules
    assert gc.isenabled()


def test_other_messages_are_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    """Also those before a failure."""
    text = b"I0000 port.cc:153] oneDNN custom operations are on. You may see ...\nlibfoo: cannot open\n"
    with start_up_messages_filtered():
        os.write(2, text)
    assert capfd.readouterr().err == "libfoo: cannot open\n"
    with suppress(ImportError), start_up_messages_filtered():
        os.write(2, text)
        raise ImportError
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "libfoo: cannot open\nafterwards\n"


def test_a_crash_in_the_import_of_tensorflow_is_seen(tmp_path: Path) -> None:
    (tmp_path / "keras.py").write_text("import os; os.abort()")
    code = "import stages.models.runtime"
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{PROJECT}"}
    command = [sys.executable, "-c", code]
    crashed = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert crashed.returncode == -signal.SIGABRT
    assert "Fatal Python error: Aborted" in crashed.stderr
    assert "runtime.py" in crashed.stderr


CNN = ModelConfig(features="pixels", conv_layers=1, filters=4, dropout=0.5, dense_units=8)


@pytest.mark.parametrize(
    ("instructions", "has_backbone", "one_dnn", "policy", "reason"),
    [
        (["avx2", "avx512f"], False, "1", "float32", "no AVX-512 BF16"),
        (["avx512_bf16", "avx512f"], False, "1", "mixed_bfloat16", "has AVX-512 BF16"),
        (["amx_bf16"], False, "1", "mixed_bfloat16", "AMX"),
        (["amx_bf16"], True, "1", "float32", "as a model with a backbone"),
        (["avx512_bf16"], False, "0", "float32", "oneDNN is off (TF_ENABLE_ONEDNN_OPTS=0)"),
    ],
)
def test_auto_precision_on_a_cpu(
    monkeypatch: pytest.MonkeyPatch, instructions: list[str], has_backbone: bool, one_dnn: str, policy: str, reason: str
) -> None:
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", one_dnn)
    monkeypatch.setattr(runtime, "instruction_sets", lambda: instructions)
    said = runtime.set_precision("auto", has_backbone=has_backbone)
    assert said.startswith(f"{policy}, ")
    assert reason in said
    assert keras.config.dtype_policy().name == policy


@pytest.mark.parametrize(
    ("capability", "policy"), [((6, 1), "float32"), ((7, 5), "mixed_float16"), ((8, 0), "mixed_bfloat16")]
)
def test_auto_precision_on_a_gpu(monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], policy: str) -> None:
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["a GPU"])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: {"compute_capability": capability})
    said = runtime.set_precision("auto", has_backbone=True)
    assert said == f"{policy}, as the GPU has compute capability {capability[0]}.{capability[1]}"


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_in_mixed_precision_weights_and_logits_stay_float32(policy: str) -> None:
    runtime.set_precision(policy, has_backbone=False)
    model = build_model(CNN, (16, 16), 2)
    assert model.output.dtype == "float32"
    assert {weight.dtype for weight in model.trainable_weights} == {"float32"}
    convolution = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    assert convolution.compute_dtype == policy.removeprefix("mixed_")
