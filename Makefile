# The environment is made once; a change of pyproject.toml makes it again. PYTHON chooses the interpreter.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest
EXTRAS := train,cpu,video,dev
INSTALLED := $(VENV)/.installed
# What `make coverage` adds.
COVERED :=
# What the race of training is given, such as RACE="--weights FILE --ultralytics PYTHON".
RACE ?=
# A real RTSP server for the system's Python, promtool, a clock that jumps, an MQTT broker, a screen.
PACKAGES := gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-good gstreamer1.0-plugins-bad \
	gstreamer1.0-plugins-ugly prometheus libfaketime mosquitto xvfb xdotool

.PHONY: help packages venv demo test coverage erased check soak real bench clean

help:
	@echo "make venv   create $(VENV) and install edge-resnet with $(EXTRAS)"
	@echo "make demo   run the main job on drawn pictures: train, export, prove, watch clips (runs/demo)"
	@echo "make test   lint, types, floors, then all tests"
	@echo "make check  lint, types and floors alone"
	@echo "make coverage  make test with each line followed, and the lines that no test reaches"
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
	# Each kind in processes of its own: the thread pools of several engines and of training do not live well in one.
	$(PYTEST) -n 2 tests/unit $(COVERED)
	$(PYTEST) -n 2 tests/parity $(COVERED)
	# Cameras beside trainings: with a third process the pictures would come late.
	$(PYTEST) -n 2 --dist loadfile tests/system $(COVERED)
	# Nearly all of it is waiting for cameras and servers.
	$(PYTEST) -n 3 tests/faults $(COVERED)

# Following each line makes what is Python alone twice as slow, so it is not done in each run of the tests.
coverage: COVERED := --cov --cov-append --cov-report=
coverage: erased test
	$(BIN)/coverage report --skip-covered

erased: $(INSTALLED)
	$(BIN)/coverage erase

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
