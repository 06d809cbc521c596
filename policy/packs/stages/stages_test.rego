package mc.stage_test

import data.mc.stage

element := {
	"id": "fetch",
	"uses": "pkg:http/get@1.0.0",
	"class": "small",
	"with": {"url": "https://example.com"},
	"lateBound": false,
}

start := {
	"schema": "policy-input.v1",
	"stage": "start",
	"at": "2026-01-05T10:00:00.123Z",
	"workflow": {"id": "wf", "version": "1.0.0", "region": "US", "labels": {"team": "a"}},
	"request": {"region": "US", "regionSource": "request"},
	"actor": "user:local",
	"config": {"requireRegion": false},
	"inputs": {},
	"tasks": [element],
}

publish := object.union(start, {
	"stage": "publish",
	"workflow": {"inputs": {}},
	"inputs": null,
})

task := object.union(start, {"stage": "task"})

quiet := {"ready": true, "violations": set(), "obligations": set()}

deaf(answers) if {
	every answer in answers { answer.ready == false }
}

test_each_stage_asks_its_packs if {
	stage.publish == {"pii": quiet, "residency": quiet} with input as publish
	stage.start == {"pii": quiet, "residency": quiet} with input as start
	stage.task == {"pii": quiet} with input as task
}

test_findings_come_through_per_pack if {
	answers := stage.start with input as object.union(start, {
		"workflow": {"region": "KP"},
		"inputs": {"ssn": 1},
	})
	{violation.code | some violation in answers.residency.violations} == {"REGION_BANNED", "REGION_MISMATCH"}
	{violation.path | some violation in answers.pii.violations} == {["inputs", "ssn"]}
	names := object.union(start, {"workflow": {"id": "ssn", "region": null}, "request": {"region": null, "regionSource": "none"}})
	warned := stage.start with input as names
	{obligation.code | some obligation in warned.residency.obligations} == {"REGION_UNSTATED"}
	{obligation.code | some obligation in warned.pii.obligations} == {"PII_NAME"}
}

test_a_pack_that_is_not_ready_says_so_in_a_sound_input if {
	answers := stage.start with input as object.union(start, {"request": {"regionSource": "none"}})
	answers.residency.ready == false
	answers.pii.ready == true
}

test_an_input_of_another_stage_is_refused if {
	every value in [publish, task] {
		deaf(stage.start) with input as value
	}
	every value in [publish, start] {
		deaf(stage.task) with input as value
	}
	every value in [start, task] {
		deaf(stage.publish) with input as value
	}
}

test_each_key_is_needed if {
	every key in object.keys(start) {
		deaf(stage.start) with input as object.remove(start, [key])
	}
	every key in object.keys(element) {
		deaf(stage.start) with input as object.union(start, {"tasks": [object.remove(element, [key])]})
	}
	every part in ["workflow", "request", "config"] {
		every key in object.keys(start[part]) {
			deaf(stage.start) with input as object.union(object.remove(start, [part]), {part: object.remove(start[part], [key])})
		}
	}
}

test_no_other_key_is_taken if {
	deaf(stage.start) with input as object.union(start, {"extra": 1})
	deaf(stage.start) with input as object.union(start, {"tasks": [object.union(element, {"extra": 1})]})
	every part in ["workflow", "request", "config"] {
		deaf(stage.start) with input as object.union(start, {part: {"extra": 1}})
	}
}

test_values_of_a_wrong_form_are_refused if {
	every patch in [
		{"schema": "policy-input.v2"},
		{"at": "2026-01-05"},
		{"at": "2026-01-05T10:00:00+01:00"},
		{"at": "2026-01-05T10:00:00.Z"},
		{"at": "2026-01-05T10:00:00.1234567890Z"},
		{"at": 1},
		{"actor": ""},
		{"workflow": {"id": ""}},
		{"workflow": {"version": 1}},
		{"workflow": {"region": 1}},
		{"workflow": {"labels": {"a": 1}}},
		{"request": {"regionSource": "else"}},
		{"config": {"requireRegion": "no"}},
		{"inputs": null},
		{"tasks": []},
		{"tasks": {}},
		{"tasks": [object.union(element, {"uses": "http/get"})]},
		{"tasks": [object.union(element, {"class": "huge"})]},
		{"tasks": [object.union(element, {"lateBound": 0})]},
		{"tasks": [object.union(object.remove(element, ["with"]), {"with": []})]},
	] {
		deaf(stage.start) with input as object.union(start, patch)
	}
}

test_an_instant_may_have_a_fraction_of_nine_digits if {
	every at in ["2026-01-05T10:00:00Z", "2026-01-05T10:00:00.1Z", "2026-01-05T10:00:00.123456789Z"] {
		stage.start.pii.ready with input as object.union(start, {"at": at})
	}
}

test_the_task_stage_takes_exactly_one_task if {
	deaf(stage.task) with input as object.union(task, {"tasks": [element, element]})
	deaf(stage.task) with input as object.union(task, {"tasks": []})
	stage.task.pii.ready with input as object.union(task, {"inputs": null})
}
