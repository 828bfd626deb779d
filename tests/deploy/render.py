"""Renders the chart with the values on standard input and says what Kubernetes would say of it, as JSON.

    {"notes": …, "manifests": [{"file": …, "manifest": …}], "invalid": […]}   or   {"refused": why}

Helm itself renders (its Go SDK as a library); kubernetes-validate checks against the published schemas, strictly:
unknown fields are errors.
"""

import json
import sys

import helm_python as helm
import kubernetes_validate
import yaml

# The oldest version that the chart says it runs on, and the newest with a schema.
VERSIONS = ["1.30", kubernetes_validate.latest_version()]
# Kinds that are not Kubernetes' own; the tests look at them by hand.
FOREIGN = {"cert-manager.io/v1"}


class OneKeyOnce(yaml.SafeLoader):
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


def main():
    chart, = sys.argv[1:]
    with helm.Chart.load(chart) as loaded:
        try:
            files = loaded.render(json.load(sys.stdin), name="seals", namespace="office")
        except (helm.HelmValuesError, helm.HelmRenderError) as error:
            return {"refused": str(error)}
    notes = next(text for name, text in files.items() if name.endswith("NOTES.txt"))
    manifests, invalid = [], []
    for name, text in sorted(files.items()):
        if name.endswith((".yaml", ".yml")):
            for manifest in yaml.load_all(text, Loader=OneKeyOnce):
                if manifest:
                    manifests.append({"file": name, "manifest": manifest})
                    invalid += problems(manifest)
    return {"notes": notes, "manifests": manifests, "invalid": invalid}


json.dump(main(), sys.stdout)
