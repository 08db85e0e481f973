"""The pipeline that is used when there is no `pipeline.json`; the repository's file says the same."""

CONFIG_NAME = "pipeline.json"
CONFIG_VARIABLE = "FPROC_CONFIG"
"""How the configuration is called in the current folder, and the variable that names another one."""

DEFAULT = {
    "nodes": [
        {
            "tag": "start",
            "type": "tag",
            "config": {"rules": {"error": "ERROR", "warn": "WARN", "info": "INFO"}, "default": "other"},
            "next": "filter",
        },
        {"tag": "filter", "type": "filter", "config": {"pattern": "\\S"}, "next": "format"},
        {
            "tag": "format",
            "type": "rewrite",
            "config": {
                "pattern": "^(?:start:)?(?P<level>[A-Z]+): (?P<message>.*)$",
                "template": "[{level}] {message}",
            },
            "next": "output",
        },
        {"tag": "output", "type": "write", "config": {"file": "{name}"}},
    ],
    "examples": [
        {
            "input": ["start:ERROR: Something bad happened", "", "start:INFO: All good"],
            "expect": {"end": ["[ERROR] Something bad happened", "[INFO] All good"]},
        }
    ],
}
