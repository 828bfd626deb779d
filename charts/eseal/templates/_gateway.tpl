{{/* The gateway's settings, and what is mounted into it. */}}
{{- define "eseal.config.gateway" -}}
{{ include "eseal.config.server" . }}

[server.tls]
cert_file = "/etc/eseal/public/tls.crt"
key_file = "/etc/eseal/public/tls.key"

[tls]
cert_file = "/etc/eseal/tls/tls.crt"
key_file = "/etc/eseal/tls/tls.key"
ca_file = "/etc/eseal/tls/ca.crt"

[peers]
{{- range $peer := splitList " " (include "eseal.calls" .) }}
{{ $peer }} = "https://{{ include "eseal.fullname" $.root }}-{{ $peer }}:7443"
{{- end }}

{{ include "eseal.config.telemetry" . }}
{{ end -}}

{{- define "eseal.mounts.gateway" -}}
- name: config
  mountPath: /etc/eseal/config.toml
  subPath: config.toml
  readOnly: true
- name: tls
  mountPath: /etc/eseal/tls
  readOnly: true
- name: public-tls
  mountPath: /etc/eseal/public
  readOnly: true
{{- end -}}

{{- define "eseal.volumes.gateway" -}}
- name: config
  configMap:
    name: {{ include "eseal.fullname" .root }}-gateway
- name: tls
  secret:
    secretName: {{ .values.tlsSecret }}
    defaultMode: 0400
- name: public-tls
  secret:
    secretName: {{ .values.publicTlsSecret }}
    defaultMode: 0400
{{- end -}}
