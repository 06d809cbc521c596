# Short names for the commonest calls of ./maestro, which has all the others: ./maestro --help
.PHONY: help plan run verify

# what plan looks at, and what verify checks; run starts $WORKFLOW_ID, a workflow that is published
MANIFEST ?= examples/hello.yaml
RECEIPT ?= receipt

help:
	@echo 'make plan   [MANIFEST=file]          what would run, what policy says, what it may cost; offline'
	@echo 'make run    WORKFLOW_ID=name         start the candidate of a published workflow'
	@echo 'make verify [RECEIPT=folder or run]  check a receipt set offline, or the receipt of a run'

plan:
	./maestro plan -m $(MANIFEST)

run:
	./maestro run -w $${WORKFLOW_ID:?names a published workflow: make run WORKFLOW_ID=hello} --canary

verify:
	./maestro verify $(RECEIPT)
