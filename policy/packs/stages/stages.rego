# One entrypoint per stage: every pack that the stage asks, in one evaluation (the input is parsed once).
# policy/stages.json lists the same packs; the build refuses a set where the two differ.
package mc.stage

import data.mc.pii
import data.mc.residency
import data.mc.shape

publish := {
	"pii": answer(shape.publish, pii.ready, pii.violations, pii.obligations),
	"residency": answer(shape.publish, residency.ready, residency.violations, residency.obligations),
}

start := {
	"pii": answer(shape.start, pii.ready, pii.violations, pii.obligations),
	"residency": answer(shape.start, residency.ready, residency.violations, residency.obligations),
}

# Regions and quotas are settled at start; only the arguments of a late-bound task are new.
task := {"pii": answer(shape.task, pii.ready, pii.violations, pii.obligations)}

answer(sound, ready, violations, obligations) := {
	"ready": ready,
	"violations": violations,
	"obligations": obligations,
} if sound

answer(false, _, violations, obligations) := {
	"ready": false,
	"violations": violations,
	"obligations": obligations,
}
