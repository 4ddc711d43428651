"""Where a run starts from: files of several makes, and refusals in one line."""

from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import ResNet50_Weights, resnet50

from edge_resnet.errors import UserError
from edge_resnet.weights import initial_model


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {name: tensor.clone() for name, tensor in resnet50(num_classes=7).state_dict().items()}


def body_equal(network: torch.nn.Module, state: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(network.state_dict()[name], state[name]) for name in state if not name.startswith("fc."))


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"state_dict": {f"module.{k}": v for k, v in s.items()}}])
def test_a_pth_file_gives_its_body_and_a_fresh_head(tmp_path: Path, state: dict[str, torch.Tensor], wrap) -> None:
    torch.save(wrap(state), tmp_path / "w.pth")
    network = initial_model(str(tmp_path / "w.pth"), 3)
    assert network.fc.out_features == 3
    assert body_equal(network, state)


def test_half_precision_safetensors_become_float32(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    half = {name: t.half() if t.is_floating_point() else t for name, t in state.items()}
    save_file(half, tmp_path / "w.safetensors")
    network = initial_model(str(tmp_path / "w.safetensors"), 2)
    assert network.conv1.weight.dtype == torch.float32
    assert torch.equal(network.conv1.weight, half["conv1.weight"].float())


class Touch:
    """What a malicious pickle would do."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def test_a_pickle_with_code_is_refused_and_does_not_run(tmp_path: Path) -> None:
    torch.save({"conv1.weight": Touch(str(tmp_path / "owned"))}, tmp_path / "evil.pth")
    with pytest.raises(UserError, match="not a file of weights alone"):
        initial_model(str(tmp_path / "evil.pth"), 2)
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("name", ["cut.pth", "cut.safetensors"])
def test_a_broken_file_is_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x80\x02nonsense" * 20)
    with pytest.raises(UserError, match="not a"):
        initial_model(str(tmp_path / name), 2)


def test_another_network_is_refused(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    save_file({"layer.weight": torch.ones(2)}, tmp_path / "other.safetensors")
    with pytest.raises(UserError, match="not the state dict of torchvision's ResNet-50"):
        initial_model(str(tmp_path / "other.safetensors"), 2)
    wrong = {**state, "conv1.weight": torch.ones(64, 3, 3, 3)}
    save_file(wrong, tmp_path / "wrong.safetensors")
    with pytest.raises(UserError, match="shapes differ"):
        initial_model(str(tmp_path / "wrong.safetensors"), 2)


def test_a_missing_file_names_the_choices() -> None:
    with pytest.raises(UserError, match=r"imagenet, imagenet-v1, none or a .pth or .safetensors file"):
        initial_model("gone.pth", 2)


def test_an_offline_box_is_told_which_file_to_bring_where(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def no_network(*args: object, **kwargs: object) -> None:
        raise URLError("no route to host")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", no_network)
    with pytest.raises(UserError) as caught:
        initial_model("imagenet", 2)
    name = ResNet50_Weights.IMAGENET1K_V2.url.rsplit("/", 1)[-1]
    assert name in str(caught.value)
    assert str(tmp_path / "hub" / "checkpoints") in str(caught.value)
