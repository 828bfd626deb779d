{{/* Settings of a service or the gateway, as its TOML file. JSON's texts and lists of them are TOML's as well. */}}

{{/* One line per setting of a flat map. Numbers come as floats, and all of ours are whole. */}}
{{- define "eseal.settings" -}}
{{- range $name, $value := . }}
{{ $name }} = {{ if kindIs "float64" $value }}{{ int64 $value }}{{ else }}{{ toJson $value }}{{ end }}
{{- end }}
{{- end -}}

{{- define "eseal.config" -}}
{{- $values := .root.Values -}}
{{ include "eseal.config.server" . }}

[server.tls]
cert_file = "/etc/eseal/tls/tls.crt"
key_file = "/etc/eseal/tls/tls.key"
ca_file = "/etc/eseal/tls/ca.crt"

[grpc.allow]
{{- range $rpcs, $callers := .values.allow }}
{{ toJson $rpcs }} = {{ toJson $callers }}
{{- end }}

[database]
url_file = "/run/secrets/eseal/database-url"
max_readers = {{ int64 $values.database.maxReaders }}
statement_timeout = {{ toJson $values.database.statementTimeout }}
wait = {{ toJson $values.database.wait }}
{{- if .migrate }}

[migration]
url_file = "/run/secrets/eseal/owner-url"
service_role = {{ toJson .values.database.serviceRole }}
stream_replicas = {{ int64 $values.bus.streamReplicas }}

[migration.bus]
cert_file = "/etc/eseal/tls/tls.crt"
key_file = "/etc/eseal/tls/tls.key"
{{- end }}

[bus]
servers = {{ toJson $values.bus.servers }}

[peers]
{{- range $peer := splitList " " (include "eseal.calls" .) }}
{{- if $peer }}
{{ $peer }} = "https://{{ include "eseal.fullname" $.root }}-{{ $peer }}:7443"
{{- end }}
{{- end }}

{{ include "eseal.config.people" . }}

{{ include "eseal.config.telemetry" . }}

[service]
{{- include "eseal.settings" .values.settings }}
{{- if .values.keySecret }}
key_file = "/run/secrets/eseal/content-key"
{{- end }}
{{- if hasKey .values "keys" }}
{{- if not .values.keySecret }}
key_file = ""
{{- end }}
{{- with .values.currentKey }}
current_key = {{ toJson . }}
{{- end }}
{{- end }}
{{- with .values.timeStamps }}
{{- if .trustConfigMap }}
time_stamp_trust_file = "/etc/eseal/time-stamps/roots.pem"
{{- end }}
{{- if hasKey . "authorities" }}
time_stamp_authorities = {{ toJson .authorities }}
time_stamp_timeout = {{ toJson .timeout }}
{{- if .trustConfigMap }}
time_stamp_crl_files = [{{ range $at, $key := .crls }}{{ if $at }}, {{ end }}{{ toJson (printf "/etc/eseal/time-stamps/%s" $key) }}{{ end }}]
{{- else if .crls }}
{{- fail "services.authentication.timeStamps.crls: keys of trustConfigMap, which is not named" }}
{{- end }}
{{- end }}
{{- end }}
{{- with .values.revocation }}
ask_revocation = {{ .ask }}
revocation_timeout = {{ toJson .timeout }}
revocation_required = {{ .required }}
private_addresses = {{ .privateAddresses }}
{{- end }}
{{- with .values.sealVersion }}
seal_version = {{ int . }}
{{- end }}
{{- with .values.makerCard }}
{{- if .claim }}
maker_card_file = {{ toJson (printf "/var/lib/eseal/card/%s" .file) }}
maker_pin_file = "/run/secrets/eseal/maker-pin"
{{- end }}
{{- end }}
{{- if hasKey .values "keys" }}
{{ include "eseal.config.keys" .values }}
{{- end }}
{{- with .values.documentLimits }}

[service.document_limits]
{{- include "eseal.settings" . }}
{{- end }}
{{ end -}}

{{/* Key-encryption keys, and who sends codes: tables, so behind the other settings. */}}
{{- define "eseal.config.keys" -}}
{{- $current := .currentKey | default "key_file" }}
{{- if and (eq $current "key_file") (not .keySecret) }}
{{- fail "services.authentication.keySecret: without it currentKey must name one of keys" }}
{{- end }}
{{- if and (ne $current "key_file") (not (hasKey .keys $current)) }}
{{- fail "services.authentication.currentKey: it is none of keys" }}
{{- end }}
{{- range $name, $key := .keys }}
{{- $at := printf "/run/secrets/eseal-keys/%s" $name }}

[service.keys.{{ $name }}]
provider = {{ toJson $key.provider }}
{{- if eq $key.provider "file" }}
file = {{ toJson (printf "%s/key" $at) }}
{{- else if eq $key.provider "pkcs11" }}
token = {{ toJson (required (printf "services.authentication.keys.%s.token: the URI of the key" $name) $key.token) }}
pin_file = {{ toJson (printf "%s/pin" $at) }}
{{- else }}
url = {{ toJson (required (printf "services.authentication.keys.%s.url: where the KMS is" $name) $key.url) }}
key_id = {{ toJson (required (printf "services.authentication.keys.%s.keyId: the key's name there" $name) $key.keyId) }}
{{- if $key.bearer }}
token_file = {{ toJson (printf "%s/token" $at) }}
{{- end }}
{{- if $key.certificate }}
cert_file = {{ toJson (printf "%s/tls.crt" $at) }}
cert_key_file = {{ toJson (printf "%s/tls.key" $at) }}
{{- end }}
{{- if not (or $key.bearer $key.certificate) }}
{{- fail (printf "services.authentication.keys.%s: bearer or certificate: the KMS must know who asks" $name) }}
{{- end }}
{{- if $key.ca }}
ca_file = {{ toJson (printf "%s/ca.crt" $at) }}
{{- end }}
{{- end }}
{{- with $key.timeout }}
timeout = {{ toJson . }}
{{- end }}
{{- end }}
{{- with .codeWebhook }}
{{- if .url }}

[service.code_webhook]
url = {{ toJson .url }}
secret_file = "/run/secrets/eseal-codes/secret"
{{- if .ca }}
ca_file = "/run/secrets/eseal-codes/ca.crt"
{{- end }}
timeout = {{ toJson .timeout }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "eseal.config.server" -}}
{{- with .root.Values.server -}}
[server]
address = {{ toJson (printf "%s:7443" .listen) }}
probe_address = {{ toJson (printf "%s:7080" .listen) }}

[server.limits]
{{- include "eseal.settings" .limits }}
{{- end }}
{{- end -}}

{{- define "eseal.config.people" -}}
{{- with .root.Values.people -}}
[people]
issuer = {{ toJson .issuer }}
audience = {{ toJson .audience }}
algorithms = {{ toJson .algorithms }}
roles_claim = {{ toJson .rolesClaim }}
organization_claim = {{ toJson .organizationClaim }}
unbound_roles = {{ toJson .unboundRoles }}
clients = {{ toJson .clients }}
{{- if .caSecret }}
ca_file = "/etc/eseal/issuer/ca.crt"
{{- end }}
{{- end }}
{{- end -}}

{{- define "eseal.config.telemetry" -}}
{{- with .root.Values.telemetry -}}
[telemetry]
format = {{ toJson .format }}
filter = {{ toJson .filter }}
{{- if .otlpEndpoint }}
otlp_endpoint = {{ toJson .otlpEndpoint }}
sampling_ratio = {{ .samplingRatio }}
{{- end }}
{{- end }}
{{- end -}}
