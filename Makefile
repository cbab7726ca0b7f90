# Two commands are all a newcomer needs: `make try` and `make test`. Both set up what they need.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# The stamp is made last, so an installation that was interrupted is done again.
STAMP  := $(VENV)/.installed
# Requirements that go over the pinned ones, for an environment of its own (`make test-lowest`).
OVER   :=

STREAM ?= tests/streams/pc-7.2.mig
DEVICE ?= i8254
VALUE  ?= i8254/channels[0]/count
# Which tests, and other words for pytest: all of them
TESTS  ?=

.PHONY: help try env docs docs-links matrix test test-lowest test-everywhere golden man lint format bench opaque fuzz streams catalogues evidence lock clean

help:
	@echo 'make try     set up, then look into a real stream'
	@echo 'make test    set up, then run every test (those with a real QEMU where one is installed)'
	@echo 'make test-lowest      the same, with the lowest versions of the dependencies that are allowed'
	@echo 'make test-everywhere  the same, in each root of a system below ROOTS=DIR (as root, see CONTRIBUTING.md)'
	@echo 'make golden  write what the commands print today into tests/golden and the documentation'
	@echo 'make man     the manual, a page for each verb, into build/man/man1'
	@echo 'make lint    ruff, mypy strict, import-linter'
	@echo 'make format  let ruff rewrite the sources'
	@echo 'make docs    the documentation as a site, build/site/html/index.html; warnings are errors'
	@echo 'make docs-links       ask whether what the documentation links to elsewhere is there (needs the network)'
	@echo 'make matrix  docs/matrix-tables.md, from the catalogues: some minutes'
	@echo 'make bench   side by side with the peers (ANALYZE_MIGRATION=path/to/analyze-migration.py)'
	@echo 'make opaque  bytes that nobody explains, by type (STREAMS=)'
	@echo 'make fuzz    streams that no QEMU writes, for a minute (SECONDS= CASES= SEED= JOBS=; CASE= is one again)'
	@echo 'make streams make tests/streams again with the installed QEMU'
	@echo 'make catalogues  of the QEMUs that the file QEMUS= names, a command line each, those that are not there (JOBS=)'
	@echo 'make evidence  which releases have which VMStates: of the git repository of QEMU at SOURCES=, and the catalogues (SCHEMAS=)'
	@echo 'make lock    pin requirements/dev.in and docs.in again'
	@echo 'make clean   remove everything that make made'

env: $(STAMP)

$(STAMP): requirements/dev.txt pyproject.toml setup.py $(wildcard src/migstream/ram/*.pxd) src/migstream/ram/kernel.py src/migstream/ram/scan.py $(OVER)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'migstream needs Python 3.11 or newer; try: make PYTHON=python3.11 ...' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
	  { echo 'Python came without venv; on Debian: apt-get install python3-venv' >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(if $(OVER),$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $(OVER))
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Kept streams are compressed. Python unpacks: nothing else is needed.
%.mig: %.mig.xz
	@$(PYTHON) -c 'import lzma, pathlib, sys; pathlib.Path(sys.argv[2]).write_bytes(lzma.open(sys.argv[1]).read())' $< $@

try: $(STAMP) $(STREAM)
	@word() { case $$1 in *[!A-Za-z0-9_./=@:-]*) printf " '%s'" "$$1";; *) printf ' %s' "$$1";; esac; }; \
	run() { printf '\n$$'; for one; do word "$$one"; done; echo; PATH="$(CURDIR)/$(BIN):$$PATH" "$$@"; }; set -e; \
	run migstream info $(STREAM); \
	run migstream tree $(STREAM) '$(DEVICE)'; \
	run migstream get $(STREAM) '$(VALUE)' --where
	@printf '\nnext: . %s; migstream --help\n' '$(BIN)/activate'

test: $(STAMP)
	$(BIN)/python -m pytest -n auto $(TESTS)

test-lowest:
	$(MAKE) test VENV=.venv-lowest OVER=requirements/lowest.txt

test-everywhere: $(STAMP)
	$(BIN)/python tests/everywhere.py '$(ROOTS)' -n auto $(TESTS)

# Pages of the manual, which a wheel that is built afterwards has in share/man/man1.
man: $(STAMP)
	$(BIN)/python -m migstream.cli.manual build/man/man1

# The difference that this makes is what is reviewed.
golden: $(STAMP)
	$(BIN)/python -m pytest -n auto -q --update-golden tests/golden

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

# The site has an environment of its own, so that tests do not pay for it.
DOCS       := .venv-docs
DOCS_STAMP := $(DOCS)/.installed

$(DOCS_STAMP): requirements/docs.txt
	$(PYTHON) -m venv --clear $(DOCS)
	$(DOCS)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/docs.txt
	@touch $@

docs: $(DOCS_STAMP)
	PYTHONPATH=src $(DOCS)/bin/python docs/site/build.py build/site

docs-links: $(DOCS_STAMP)
	PYTHONPATH=src $(DOCS)/bin/python docs/site/build.py build/site --external

# What breaks from each release of the catalogue to each other one; the difference is what is reviewed.
matrix: $(STAMP)
	$(BIN)/migstream catalogue matrix --target x86_64 -o docs/matrix-tables.md --force

format: $(STAMP)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# The stream sizes, the peers and the bars are described in bench/README.md.
# Bytecode is compiled first, as `pip install .` does: an editable checkout may have none.
bench: $(STAMP)
	$(BIN)/python -m compileall -q src
	ANALYZE_MIGRATION='$(ANALYZE_MIGRATION)' $(BIN)/python -m bench

# What descriptions leave open, and what is left of that: by type.
opaque: $(STAMP)
	$(BIN)/python -m bench.opaque $(STREAMS)

# fuzz/README.md says what is asked, what is found, and what the options are.
FUZZ = $(foreach option,seconds cases seed jobs case file ask without,$(call fuzz-option,$(option),$(shell echo $(option) | tr a-z A-Z)))
fuzz-option = $(if $($(2)),$(foreach value,$($(2)),--$(1) $(value)))

fuzz: $(STAMP)
	PYTHONPATH=tests $(BIN)/python -m fuzz $(FUZZ)

streams: $(STAMP)
	PYTHONPATH=tests $(BIN)/python tests/streams/capture.py

catalogues: $(STAMP)
	$(BIN)/python -m bench.catalogues '$(QEMUS)' $(or $(CATALOGUES),src/migstream/catalogue/data) $(JOBS)

# Made again when a catalogue is. SCHEMAS are -dump-vmstate files of more binaries, called TARGET-RELEASE.json.
evidence: $(STAMP)
	$(BIN)/python -m bench.evidence '$(SOURCES)' $(SCHEMAS)

lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  requirements/dev.in -o requirements/dev.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  requirements/docs.in -o requirements/docs.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --resolution lowest-direct --no-deps --all-extras pyproject.toml -o requirements/lowest.txt

clean:
	rm -rf .venv .venv-docs .venv-lowest fuzz/findings build dist .coverage htmlcov .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache src/*.egg-info
	rm -f tests/streams/*.mig
	find src tests bench examples fuzz -name __pycache__ -type d -prune -exec rm -rf {} +
