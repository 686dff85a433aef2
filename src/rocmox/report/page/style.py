"""The page's style sheet. Colours meet WCAG's contrast 4.5 to 1 on their ground in both schemes."""

STYLE = """
:root{color-scheme:light dark;--ground:#f5f6f8;--paper:#fff;--ink:#1b1f27;--soft:#566072;--line:#dde1e8;
  --code:#eef0f4;
--pass:#17703c;--pass-g:#dff3e6;--warn:#7a5200;--warn-g:#fdefc8;--fail:#b3261e;--fail-g:#fde3e0;--crit:#fff;
--crit-g:#a3001b;--unknown:#6b3fa0;--unknown-g:#efe5fb;--na:#566072;--na-g:#e8ebf0;--edge:#7d8798;
--h1:#e3f4ea;--h2:#bfe6cd;--h3:#93d3ab;--h4:#62b984;--heat-ink:#0c2b18}
@media (prefers-color-scheme:dark){:root{--ground:#12151b;--paper:#1b2029;--ink:#e8ebf1;--soft:#a3adbd;
  --line:#303846;
--code:#262d39;--pass:#7ddca0;--pass-g:#173524;--warn:#f3c969;--warn-g:#3b2e0d;--fail:#ff9d94;--fail-g:#46191a;
--crit:#fff;--crit-g:#b3122c;--unknown:#cdaaf7;--unknown-g:#33224a;--na:#a3adbd;--na-g:#2a313d;--edge:#7f8aa0;
--h1:#16301f;--h2:#1c4a2d;--h3:#23653c;--h4:#2a804b;--heat-ink:#f1fff6}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
  sans-serif}
main,footer{max-width:1180px;margin:0 auto;padding:0 24px}
code{font:0.86em/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
h2{font-size:1.25rem;margin:2.2rem 0 .7rem}
h3{font-size:1rem;margin:0}
p{margin:.35rem 0}
.reason,.address,.count,figcaption,caption{color:var(--soft)}
.skip{position:absolute;left:-999px}
.skip:focus{left:8px;top:8px;background:var(--paper);padding:6px 12px;z-index:9}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.top{background:var(--paper);border-bottom:1px solid var(--line);border-top:6px solid var(--bar,var(--line));
padding:22px max(24px,calc(50vw - 566px));display:flex;justify-content:space-between;align-items:center;gap:16px;
  flex-wrap:wrap}
.top h1{font-size:1.6rem;margin:0;line-height:1.25}
.top .machine{color:var(--soft);margin:2px 0 0;overflow-wrap:anywhere}
.top>.badge{font-size:1.05rem;padding:6px 16px}
.top.pass,.card.pass{--bar:var(--pass)}
.top.warn,.card.warn,.finding.warn{--bar:#d99a00}
.top.fail,.card.fail,.finding.fail{--bar:#d33a30}
.top.crit,.card.crit,.finding.crit{--bar:var(--crit-g)}
.top.unknown,.card.unknown,.finding.unknown{--bar:var(--unknown)}
.badge{display:inline-block;border-radius:99px;padding:1px 10px;font-size:.82rem;font-weight:600;white-space:nowrap;
background:var(--na-g);color:var(--na)}
.badge.pass,td.pass{background:var(--pass-g);color:var(--pass)}
.badge.warn,td.warn{background:var(--warn-g);color:var(--warn)}
.badge.fail,td.fail{background:var(--fail-g);color:var(--fail)}
.badge.crit,td.crit{background:var(--crit-g);color:var(--crit)}
.badge.unknown,td.unknown{background:var(--unknown-g);color:var(--unknown)}
td.not-applicable{background:var(--na-g);color:var(--na)}
.tiles{list-style:none;display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:12px;padding:0;
  margin:24px 0 0}
.tile{background:var(--paper);border:1px solid var(--line);border-radius:12px;padding:10px 14px;display:flex;
flex-direction:column;gap:2px;align-items:flex-start}
.tile strong{font-size:1.6rem;line-height:1.2}
.tile.none strong{color:var(--soft);font-weight:400}
.tile.none .badge{background:var(--na-g);color:var(--na)}
.calm{background:var(--paper);border:1px solid var(--line);border-radius:12px;padding:14px 18px}
.finding{background:var(--paper);border:1px solid var(--line);border-left:6px solid var(--bar);border-radius:12px;
padding:14px 18px;margin:0 0 12px}
.title{display:flex;gap:10px;align-items:center;flex-wrap:wrap}
.title .code{font-weight:600}
.statement p{margin:.5rem 0 .1rem}
.subject{background:var(--code);border-radius:5px;padding:1px 6px;white-space:nowrap}
.finding .subject{white-space:normal}
.remedy{border-top:1px solid var(--line);margin-top:.7rem;padding-top:.6rem}
.remedy code{background:var(--code);border-radius:4px;padding:0 4px}
details summary{cursor:pointer;color:var(--soft);font-size:.88rem}
.evidence{list-style:none;margin:.3rem 0 .4rem;padding:0;border-left:2px solid var(--line)}
.evidence li{display:grid;grid-template-columns:minmax(180px,2fr) 3fr;gap:12px;padding:2px 0 2px 10px}
.evidence .source{color:var(--soft)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(290px,1fr));gap:14px}
.card{background:var(--paper);border:1px solid var(--line);border-top:4px solid var(--bar,var(--line));
  border-radius:12px;padding:14px 16px}
.card .head{display:flex;justify-content:space-between;gap:8px;align-items:flex-start}
.card dl{margin:.5rem 0 0;font-size:.9rem}
.card dl div{display:grid;grid-template-columns:6.8rem 1fr;padding:3px 0;border-top:1px solid var(--line)}
.card dt{color:var(--soft)}
.card dd{margin:0;overflow-wrap:anywhere}
figure{margin:0;background:var(--paper);border:1px solid var(--line);border-radius:12px;padding:16px}
figcaption{font-size:.88rem;margin-top:8px}
.scroll{overflow-x:auto;position:relative}
.topology{display:block;width:100%;height:auto;font:13px system-ui,sans-serif}
.topology .box rect{fill:var(--code);stroke:var(--line);stroke-width:1.2}
.topology .gpu rect{stroke:var(--edge)}
.topology .pass rect{fill:var(--pass-g)}
.topology .warn rect{fill:var(--warn-g)}
.topology .fail rect{fill:var(--fail-g)}
.topology .crit rect{fill:var(--crit-g)}
.topology .unknown rect{fill:var(--unknown-g)}
.topology .name{fill:var(--ink);font-weight:600}
.topology .detail{fill:var(--ink);font-size:12px}
.topology .crit text{fill:var(--crit)}
.topology path.edge{fill:none;stroke:var(--edge)}
.topology path.slowed{stroke:#d99a00;stroke-dasharray:7 4}
.topology .label{fill:var(--soft);font-size:11.5px}
.topology .label.slowed{fill:var(--warn);font-weight:600}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th{text-align:left;font-weight:600;color:var(--soft)}
td,th{padding:6px 10px;vertical-align:top;border-bottom:1px solid var(--line)}
#p2p .scroll{background:var(--paper);border:1px solid var(--line);border-radius:12px;padding:14px}
.matrix{width:auto;border-collapse:separate;border-spacing:4px}
.matrix caption{caption-side:bottom;text-align:left;padding-top:8px}
.matrix td{border:0;border-radius:7px;text-align:center;min-width:98px;white-space:nowrap;padding:9px 10px;
  font-weight:600}
.matrix thead th+th{text-align:center}
.matrix th{border:0;white-space:nowrap;vertical-align:middle}
.matrix td.self{color:var(--soft);font-weight:400}
td.heat1{background:var(--h1);color:var(--heat-ink)}
td.heat2{background:var(--h2);color:var(--heat-ink)}
td.heat3{background:var(--h3);color:var(--heat-ink)}
td.heat4{background:var(--h4);color:var(--heat-ink)}
td.warn.heat1,td.warn.heat2,td.warn.heat3,td.warn.heat4{outline:2px dashed #d99a00;outline-offset:-2px}
#incidents h3{margin:.8rem 0 .4rem}
.timeline{list-style:none;margin:0;padding:0 0 0 18px;border-left:3px solid var(--line)}
.timeline>li{position:relative;background:var(--paper);border:1px solid var(--line);border-radius:12px;
  padding:12px 16px;margin:0 0 12px}
.timeline>li::before{content:"";position:absolute;left:-27px;top:18px;width:13px;height:13px;border-radius:50%;
  background:var(--soft);border:3px solid var(--ground)}
.timeline>li.warn::before{background:#d99a00}
.timeline>li.fail::before{background:#d33a30}
.timeline>li.crit::before{background:var(--crit-g);border-radius:2px}
.timeline time{font-variant-numeric:tabular-nums;font-weight:600}
.events{margin:.4rem 0 0;padding-left:1.4rem}
.events li{margin:3px 0}
.severity{font-size:.82rem;font-weight:600;margin-right:8px;color:var(--soft)}
.severity.warn{color:var(--warn)}
.severity.fail,.severity.crit{color:var(--fail)}
.check{background:var(--paper);border:1px solid var(--line);border-radius:10px;margin:0 0 4px;padding:5px 14px}
.check>summary{display:flex;gap:10px;align-items:center;color:var(--ink);font-size:1rem}
.check>summary .badge{min-width:10.5em}
.check .count{margin-left:auto;font-size:.88rem}
.check>summary::after{content:"▸";color:var(--soft)}
.check[open]>summary::after{content:"▾"}
.check td:first-child{white-space:nowrap}
footer{color:var(--soft);font-size:.85rem;padding-top:28px;padding-bottom:40px}
a:focus-visible,summary:focus-visible{outline:3px solid #4a7dff;outline-offset:2px;border-radius:4px}
@media (max-width:640px){main,footer{padding:0 14px}
.evidence li{grid-template-columns:1fr;gap:0}}
@media print{:root{--ground:#fff;--paper:#fff;--ink:#000;--soft:#444;--line:#bbb}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
.finding,.card,.timeline>li,figure{break-inside:avoid}
details::details-content{content-visibility:visible;block-size:auto}
.skip{display:none}}
"""
