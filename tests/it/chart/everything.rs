//! Values of the chart with every switch on, and with every switch off.

use serde_json::{Value, json};

/// Everything that may be there is there, and no text is its default.
pub fn on() -> Value {
    json!({
        "image": {"registry": "registry.example.cn:5000", "repository": "seals/eseal", "tag": "1.2.3", "pullPolicy": "Always"},
        "imagePullSecrets": ["registry"],
        "server": {"listen": "[::]", "limits": {"requests": 2048, "longest": "2m"}},
        "bus": {"servers": ["tls://nats-0.nats:4222", "tls://nats-1.nats:4222"], "streamReplicas": 1},
        "database": {"maxReaders": 8, "statementTimeout": "5s", "wait": "90s", "caSecret": "postgresql-ca"},
        "people": {
            "algorithms": ["ES256", "RS256"], "rolesClaim": "seal_roles", "organizationClaim": "uscc", "caSecret": "issuer-ca",
            "unboundRoles": ["auditor"], "clients": ["eseal-cli", "oa"],
        },
        "telemetry": {"format": "text", "filter": "debug,\"quoted\"", "otlpEndpoint": "http://collector.telemetry:4317", "samplingRatio": 0.25},
        "certManager": {"enabled": true, "issuerRef": {"name": "eseal-ca", "kind": "ClusterIssuer"}},
        "services": {
            "application": {"replicas": 3, "settings": {"approvals_needed": 2}},
            "fabrication": {"makerCard": {"claim": "maker-card", "file": "office.card", "pinSecret": "maker-pin"}},
            "authentication": {"timeStamps": {
                "authorities": ["https://tsa.example.cn/stamp", "http://tsa.example.com"], "timeout": "5s",
                "trustConfigMap": "time-stamps", "crls": ["tsa.crl", "root.crl"],
            }, "revocation": {"ask": true, "timeout": "2s", "required": true, "privateAddresses": true},
            "keySecret": "", "currentKey": "kms-2027", "keys": {
                "file-2026": {"provider": "file", "secret": "kek-2026"},
                "hsm": {
                    "provider": "pkcs11", "secret": "hsm-pin", "timeout": "3s",
                    "token": "pkcs11:token=eseal;object=kek?module-path=/opt/hsm/lib.so",
                },
                "kms-2027": {
                    "provider": "kms", "secret": "kms", "url": "https://kms.example/v1", "keyId": "eseal \"2027\"",
                    "bearer": true, "certificate": true, "ca": true, "timeout": "4s",
                },
            }, "codeWebhook": {"url": "https://messages.example/eseal", "secret": "codes", "ca": true, "timeout": "6s"},
            "settings": {
                "evidence_kept_for": "720h", "p256_pairs_in": "hsm", "data_cipher": "sm4-gcm", "data_keys_kept": 10,
                "data_keys_kept_for": "1m",
            }},
            "verification": {"temporary": "2Gi", "timeStamps": {"trustConfigMap": "verified-time-stamps"},
            "documentLimits": {"max_pages": 20_000, "max_entry_bytes": 8_589_934_592_u64}, "settings": {"max_document_bytes": 104_857_600, "documents_at_a_time": 4}},
        },
        "gateway": {
            "service": {"type": "LoadBalancer", "port": 8443, "annotations": {"example.cn/internal": "true"}},
            "ingress": {
                "enabled": true, "className": "nginx", "host": "seals.example.cn", "tlsSecret": "seals-tls",
                "annotations": {"nginx.ingress.kubernetes.io/backend-protocol": "GRPCS"},
            },
        },
        "pods": {
            "annotations": {"example.cn/owner": "seals"}, "labels": {"team": "seals"}, "nodeSelector": {"pool": "seals"},
            "tolerations": [{"key": "seals", "operator": "Exists", "effect": "NoSchedule"}],
            "priorityClassName": "business", "terminationGracePeriodSeconds": 60,
        },
        "networkPolicy": {
            "clients": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.9.0.0/16"]}}],
            "dns": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}],
            "postgresql": {"port": 6432, "to": [{"ipBlock": {"cidr": "10.1.2.3/32"}}]},
            "nats": {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "nats"}}}]},
            "issuer": {"port": 8443, "to": [{"ipBlock": {"cidr": "10.4.5.6/32"}}]},
            "timeStamps": {"port": 8080, "to": [{"ipBlock": {"cidr": "10.7.8.9/32"}}]},
            "revocation": {"to": [{"ipBlock": {"cidr": "10.7.8.0/24"}}]},
            "keys": {"port": 9443, "to": [{"ipBlock": {"cidr": "10.7.9.1/32"}}]},
            "codeWebhook": {"port": 9444, "to": [{"ipBlock": {"cidr": "10.7.9.2/32"}}]},
            "telemetry": {"to": [{"podSelector": {"matchLabels": {"app": "collector"}}}]},
        },
    })
}

/// Nothing is there that can be left out.
pub fn off() -> Value {
    json!({
        "podDisruptionBudget": {"enabled": false},
        "networkPolicy": {"enabled": false},
        "services": {"application": {"replicas": 1}},
    })
}
