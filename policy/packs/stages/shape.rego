# What a well-formed policy input is: the same as policy/input/*.schema.json, which a test holds equal to this.
# Objects are closed: each key is asked for by name, and `count` leaves no room for another.
# A rule that reads a missing or mistyped value is silently false, so nothing is asked before all of it is known to be sound.
package mc.shape

default publish := false

publish if {
	envelope("publish", 5)
	is_object(input.workflow.inputs)
	is_null(input.inputs)
	count(input.tasks) > 0
}

default start := false

start if {
	envelope("start", 4)
	is_object(input.inputs)
	count(input.tasks) > 0
}

default task := false

task if {
	envelope("task", 4)
	object_or_null(input.inputs)
	count(input.tasks) == 1
}

envelope(stage, workflow_key_count) if {
	count(input) == 9
	input.schema == "policy-input.v1"
	input.stage == stage
	instant(input.at)
	text(input.actor)
	workflow(input.workflow, workflow_key_count)
	request(input.request)
	count(input.config) == 1
	is_boolean(input.config.requireRegion)
	is_array(input.tasks)
	every element in input.tasks { task_shaped(element) }
}

workflow(value, key_count) if {
	count(value) == key_count
	text(value.id)
	text(value.version)
	text_or_null(value.region)
	is_object(value.labels)
	every label in value.labels { is_string(label) }
}

request(value) if {
	count(value) == 2
	text_or_null(value.region)
	value.regionSource in {"config", "none", "request", "workflow"}
}

task_shaped(value) if {
	count(value) == 5
	text(value.id)
	startswith(value.uses, "pkg:")
	value.class in {"large", "medium", "small"}
	is_object(value["with"])
	is_boolean(value.lateBound)
}

text(value) if {
	is_string(value)
	value != ""
}

text_or_null(value) if text(value)

text_or_null(value) if is_null(value)

object_or_null(value) if is_object(value)

object_or_null(value) if is_null(value)

# RFC 3339 in UTC. By form only (digits read as 0): regular expressions would double the time of an evaluation.
instant(value) if {
	is_string(value)
	form := strings.replace_n({"1": "0", "2": "0", "3": "0", "4": "0", "5": "0", "6": "0", "7": "0", "8": "0", "9": "0"}, value)
	startswith(form, "0000-00-00T00:00:00")
	fraction_and_zone(substring(form, 19, -1))
}

fraction_and_zone("Z")

fraction_and_zone(text) if {
	startswith(text, ".0")
	count(text) <= 11
	trim_left(substring(text, 1, -1), "0") == "Z"
}
