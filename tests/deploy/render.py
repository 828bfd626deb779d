"""Renders the chart with each of the values in the JSON list on standard input, and says what Kubernetes would say of it.

Prints a list of  {"notes": …, "manifests": […], "invalid": […]}  or  {"refused": why}.

Helm itself renders (its Go SDK as a library); kubernetes-validate checks against the published schemas, strictly:
unknown fields are errors.
"""

import functools
import json
import sys

import helm_python as helm
import kubernetes_validate
import yaml

# The oldest version that the chart says it runs on, and the newest with a schema.
VERSIONS = ["1.30", kubernetes_validate.latest_version()]
# Kinds that are not Kubernetes' own; the tests look at them by hand.
FOREIGN = {"cert-manager.io/v1"}


# It reads its schema again for every manifest otherwise.
kubernetes_validate.utils.schema_contents = functools.cache(kubernetes_validate.utils.schema_contents)


class OneKeyOnce(yaml.CSafeLoader):
    """YAML in which a key given twice is a mistake, as it is for Kubernetes."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.YAMLError(f"{sorted(twice)} twice, {node.start_mark}")
        return super().construct_mapping(node, deep)


def problems(manifest):
    if manifest["apiVersion"] in FOREIGN:
        return
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            where = ".".join(str(step) for step in error.path)
            yield f"{manifest['kind']} {manifest['metadata']['name']} on {version}: {where}: {error.message}"


def answer(chart, values):
    try:
        files = chart.render(values, name="seals", namespace="office")
    except (helm.HelmValuesError, helm.HelmRenderError) as error:
        return {"refused": str(error)}
    manifests, invalid = [], []
    for name, text in sorted(files.items()):
        if name.endswith((".yaml", ".yml")):
            for manifest in yaml.load_all(text, Loader=OneKeyOnce):
                if manifest:
                    manifests.append(manifest)
                    invalid += problems(manifest)
    notes = next(text for name, text in files.items() if name.endswith("NOTES.txt"))
    return {"notes": notes, "manifests": manifests, "invalid": invalid}


with helm.Chart.load(sys.argv[1]) as loaded:
    json.dump([answer(loaded, values) for values in json.load(sys.stdin)], sys.stdout)
