import pytest

from stages.common.model_config import ModelConfig
from stages.models import runtime as precision
from stages.models.build import build_model
from stages.models.runtime import keras, tf

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
    monkeypatch: pytest.MonkeyPatch,
    instructions: list[str],
    has_backbone: bool,
    one_dnn: str,
    policy: str,
    reason: str,
) -> None:
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", one_dnn)
    monkeypatch.setattr(precision, "instruction_sets", lambda: instructions)
    said = precision.set_precision("auto", has_backbone=has_backbone)
    assert said.startswith(f"{policy}, ")
    assert reason in said
    assert keras.config.dtype_policy().name == policy


@pytest.mark.parametrize(
    ("capability", "policy"), [((6, 1), "float32"), ((7, 5), "mixed_float16"), ((8, 0), "mixed_bfloat16")]
)
def test_auto_precision_on_a_gpu(monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], policy: str) -> None:
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["a GPU"])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: {"compute_capability": capability})
    said = precision.set_precision("auto", has_backbone=True)
    assert said == f"{policy}, as the GPU has compute capability {capability[0]}.{capability[1]}"


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_in_mixed_precision_weights_and_logits_stay_float32(policy: str) -> None:
    precision.set_precision(policy, has_backbone=False)
    model = build_model(CNN, (16, 16), 2)
    assert model.output.dtype == "float32"
    assert {weight.dtype for weight in model.trainable_weights} == {"float32"}
    convolution = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    assert convolution.compute_dtype == policy.removeprefix("mixed_")
