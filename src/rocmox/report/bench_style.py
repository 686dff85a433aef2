"""The bench page's style sheet: the health page's colours, whose contrast holds on both grounds."""

STYLE = """
:root{color-scheme:light dark;--ground:#f5f6f8;--paper:#fff;--ink:#1b1f27;--soft:#566072;--line:#dde1e8;
--slower:#b3261e;--slower-g:#fde3e0;--faster:#17703c;--faster-g:#dff3e6;--decode:#3b7cf0;--prefill:#d9822b}
@media (prefers-color-scheme:dark){:root{--ground:#12151b;--paper:#1b2029;--ink:#e8ebf1;--soft:#a3adbd;--line:#303846;
--slower:#ff9d94;--slower-g:#46191a;--faster:#7ddca0;--faster-g:#173524}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
  sans-serif}
header{background:var(--paper);border-bottom:1px solid var(--line);padding:20px max(24px,calc(50vw - 566px))}
main{max-width:1180px;margin:0 auto;padding:0 24px 40px}
h1{font-size:1.6rem;margin:0;line-height:1.25}
h2{font-size:1.25rem;margin:2.2rem 0 .7rem}
h3{font-size:1rem;margin:1rem 0 .3rem}
p{margin:2px 0 0}
.soft,th{color:var(--soft)}
.tiles{list-style:none;display:grid;grid-template-columns:repeat(auto-fit,minmax(200px,1fr));gap:12px;padding:0;
  margin:24px 0}
.tiles li{background:var(--paper);border:1px solid var(--line);border-top:4px solid var(--bar,var(--line));
  border-radius:12px;padding:10px 14px;color:var(--soft);font-size:.92rem}
.tiles strong{display:block;font-size:1.6rem;line-height:1.3;color:var(--ink)}
.tiles .decode{--bar:var(--decode)}.tiles .prefill{--bar:var(--prefill)}
.tiles .slower{--bar:var(--slower)}.tiles .faster{--bar:var(--faster)}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(30rem,100%),1fr));gap:14px;align-items:start}
figure{margin:0;background:var(--paper);border:1px solid var(--line);border-radius:12px;padding:14px}
figcaption{font-weight:600;margin-bottom:6px}
.panels{display:flex;flex-wrap:wrap;gap:10px;justify-content:center}
.panels svg{display:block;flex:1 1 15rem;min-width:0;max-width:30rem;height:auto}
.plots figure:last-child:nth-child(odd){grid-column:1/-1}
.scroll{overflow-x:auto;background:var(--paper);border:1px solid var(--line);border-radius:12px}
table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:7px 12px;border-bottom:1px solid var(--line);vertical-align:top}
tr:last-child td{border-bottom:0}
th{font-weight:600;white-space:nowrap}
td:first-child{min-width:11rem}
.notes{list-style:none;color:var(--soft);font-size:.86rem;padding:0;margin:8px 2px;overflow-wrap:anywhere}
tr.too-noisy td:nth-child(2),tr.not-comparable td:nth-child(2){color:var(--soft)}
.number{text-align:right;white-space:nowrap}
tr.slower td{background:var(--slower-g)}tr.slower td:nth-child(2){color:var(--slower);font-weight:600}
tr.faster td{background:var(--faster-g)}tr.faster td:nth-child(2){color:var(--faster);font-weight:600}
pre,.facts{background:var(--paper);border:1px solid var(--line);border-radius:12px;padding:12px 14px;margin:0}
pre{overflow-x:auto;white-space:pre-wrap;font-size:.86rem}
.facts{list-style:none;columns:2;column-gap:28px}
.facts li{break-inside:avoid;overflow-wrap:anywhere}
@media (max-width:640px){main,header{padding-left:14px;padding-right:14px}.facts{columns:1}}
@media print{figure,tr{break-inside:avoid}}
"""
