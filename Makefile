# The environment is made once; a change of pyproject.toml makes it again. PYTHON chooses the interpreter.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXTRAS := train,cpu,video,dev
INSTALLED := $(VENV)/.installed
# What the race of training is given, such as RACE="--weights FILE --ultralytics PYTHON".
RACE ?=
# A real RTSP server for the system's Python, promtool, a clock that jumps, an MQTT broker, a screen.
PACKAGES := gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-good gstreamer1.0-plugins-bad \
	gstreamer1.0-plugins-ugly prometheus libfaketime mosquitto xvfb xdotool

.PHONY: help packages venv demo test check soak real bench clean

help:
	@echo "make venv   create $(VENV) and install edge-resnet with $(EXTRAS)"
	@echo "make demo   run the main job on drawn pictures: train, export, prove, watch clips (runs/demo)"
	@echo "make test   lint, types, floors, then all tests with coverage"
	@echo "make check  lint, types and floors alone"
	@echo "make soak   long faults: twenty restarts, sixteen cameras, twenty minutes (half an hour in all)"
	@echo "make packages  what the tests start that is no Python: an RTSP server, promtool, faketime, mosquitto, xvfb (Debian, as root)"
	@echo "make real   the main job and INT8's accuracy on real pictures, where they lie beside the repository"
	@echo "make bench  measure training against a plain loop, and engines against each other (benchmarks/)"

venv: $(INSTALLED)

$(INSTALLED): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[$(EXTRAS)]'
	touch $@

demo: $(INSTALLED)
	$(BIN)/edge-resnet demo

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check
	$(BIN)/coverage erase
	# Each kind in processes of its own: the thread pools of several engines and of training do not live well in one.
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 tests/unit --cov --cov-report=
	$(BIN)/pytest tests/parity --cov --cov-append --cov-report=
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile tests/system --cov --cov-append --cov-report=
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 tests/faults --cov --cov-append --cov-report=term:skip-covered

# Without them the tests that need them are skipped, with the reason.
packages:
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends $(PACKAGES)

soak: $(INSTALLED)
	$(BIN)/pytest tests/soak

real: $(INSTALLED)
	$(BIN)/python -m benchmarks.real
	$(BIN)/python -m benchmarks.int8_accuracy

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks.train $(RACE)
	$(BIN)/python -m benchmarks.int8_speed

clean:
	rm -rf $(VENV) build dist .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
