# No personal identifiers by key, in anything that a run is given. Keys are looked at, values never are.
package mc.pii

default ready := false

# Input and data are complete for this pack. Anything missing or of a wrong type leaves `ready` false.
ready if {
	data_complete
	is_string(input.workflow.id)
	is_object(input.workflow.labels)
	declared_inputs_complete
	object_or_null(input.inputs)
	is_array(input.tasks)
	every task in input.tasks {
		is_string(task.id)
		is_object(task["with"])
	}
}

data_complete if {
	is_array(data.pii.keyPrefixes)
	every prefix in data.pii.keyPrefixes {
		is_string(prefix)
		prefix != ""
		prefix == joined_up(folded(prefix))
	}
}

declared_inputs_complete if not "inputs" in object.keys(input.workflow)

declared_inputs_complete if is_object(input.workflow.inputs)

object_or_null(value) if is_object(value)

object_or_null(value) if is_null(value)

# The places that are looked through; labels are public for ever, so their keys are looked at too.
# Only what is suspect is walked: a walk costs memory for every path, whether or not it matches.
places contains {"path": ["tasks", i, "with"], "value": task["with"]} if {
	tasks_suspect
	some i, task in input.tasks
	suspect(task["with"])
}

places contains {"path": ["inputs"], "value": input.inputs} if suspect(input.inputs)

places contains {"path": ["workflow", part], "value": input.workflow[part]} if {
	some part in ["inputs", "labels"]
	suspect(input.workflow[part])
}

# With a default, for only a rule that has a value is remembered within an evaluation.
default tasks_suspect := false

tasks_suspect if suspect(input.tasks)

# A key that matches stands in the JSON text right behind a quote, so one linear look finds all candidates.
# A string value may stand there as well; it is walked, and found to be no key.
suspect(value) if {
	text := folded(json.marshal(value))
	suspect_text(text)
}

suspect_text(text) if contains(text, `"ssn`)

suspect_text(text) if {
	joined := joined_up(text)
	some prefix in data.pii.keyPrefixes
	contains(joined, concat("", [`"`, prefix]))
}

violations contains {
	"code": "PII_KEY",
	"path": array.concat(place.path, path),
	"params": {"pattern": pattern},
} if {
	some place in places
	walk(place.value, [path, _])
	count(path) > 0
	key := path[count(path) - 1]
	is_string(key)
	some pattern in patterns_of(key)
}

# A name is not a key: it only earns a warning.
obligations contains {
	"code": "PII_NAME",
	"path": ["workflow", "id"],
	"params": {"pattern": pattern},
} if {
	is_string(input.workflow.id)
	some pattern in patterns_of(input.workflow.id)
}

obligations contains {
	"code": "PII_NAME",
	"path": ["tasks", i, "id"],
	"params": {"pattern": pattern},
} if {
	tasks_suspect
	some i, task in input.tasks
	is_string(task.id)
	some pattern in patterns_of(task.id)
}

patterns_of(name) := ssn_pattern(folded(name)) | further_patterns(joined_up(folded(name)))

ssn_pattern(name) := {"ssn" | startswith(name, "ssn")}

# The further patterns do not care how words are joined.
further_patterns(name) := {prefix | some prefix in data.pii.keyPrefixes; startswith(name, prefix)}

# Case folding: `lower` leaves the long s and the sharp s, which upper-case to S and SS.
folded(name) := strings.replace_n({"ſ": "s", "ß": "ss"}, lower(name))

joined_up(name) := strings.replace_n({"_": "", "-": "", " ": "", ".": ""}, name)
