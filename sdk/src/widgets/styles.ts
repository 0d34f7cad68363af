/** How widgets look. In a shadow root, so that page and widgets do not style each other. */

export const STYLES = `
:host{all:initial;position:fixed;top:0;left:0;width:0;height:0;z-index:var(--z);
--a:var(--sojourn-accent,#4f46e5);--surface:#fff;--text:#16181d;--soft:#5a6072;--line:#e4e6ee;--hover:#f2f3f8;
--shadow:0 0 0 1px rgb(16 24 40/.06),0 12px 32px -4px rgb(16 24 40/.22),0 4px 10px -2px rgb(16 24 40/.1);
font-family:var(--sojourn-font,system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif)}
:host([data-scheme=dark]){--surface:#1b1e27;--text:#f4f5f9;--soft:#a9afc1;--line:#333848;--hover:#282c39;
--shadow:0 0 0 1px rgb(255 255 255/.09),0 16px 40px rgb(0 0 0/.55);--a:var(--sojourn-accent,#6366f1)}
*{box-sizing:border-box}
.card{position:fixed;width:max-content;max-width:min(340px,calc(100vw - 24px));padding:18px 20px;border:0;
border-radius:14px;background:var(--surface);color:var(--text);box-shadow:var(--shadow);font-size:14.5px;line-height:1.5;
animation:in .18s ease-out}
.card:focus{outline:none}
h2{margin:0 28px 6px 0;font-size:16px;line-height:1.35;font-weight:650;letter-spacing:-.01em;text-wrap:balance}
.body{color:var(--soft);overflow-wrap:anywhere}
.close~.body:first-of-type{margin-right:22px}
.body>*{margin:0 0 8px}.body>:last-child{margin-bottom:0}
ul{padding-left:20px}
strong{color:var(--text);font-weight:650}
code{padding:1px 5px;border-radius:5px;background:var(--hover);font:.92em ui-monospace,SFMono-Regular,Menlo,monospace}
.body a{color:var(--a);text-underline-offset:2px}
img{display:block;width:100%;max-height:240px;margin:0 0 16px;border-radius:10px;object-fit:cover}
.row{display:flex;align-items:center;justify-content:flex-end;gap:8px;margin-top:16px}
.row>.grow{flex:1;color:var(--soft);font-size:12.5px;font-variant-numeric:tabular-nums}
button,.primary{appearance:none;display:inline-flex;align-items:center;justify-content:center;min-height:36px;padding:7px 14px;
border:0;border-radius:9px;background:none;color:var(--text);font:inherit;font-weight:600;font-size:14px;line-height:1.3;
text-decoration:none;cursor:pointer;transition:background-color .12s,filter .12s}
button:hover{background:var(--hover)}
.primary,.primary:hover{background:var(--a);color:#fff}
.primary:hover{filter:brightness(1.12)}
.primary:disabled{filter:grayscale(1);opacity:.55;cursor:default}
.quiet{border:1px solid var(--line)}
button:focus-visible,a:focus-visible,input:focus-visible,textarea:focus-visible,label:focus-within{
outline:2px solid var(--a);outline-offset:2px}
.close{position:absolute;top:10px;right:10px;min-height:0;width:30px;height:30px;padding:0;border-radius:8px;color:var(--soft)}
svg{width:16px;height:16px;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.arrow{position:absolute;width:12px;height:12px;background:var(--surface);transform:rotate(45deg);border-radius:2px}
.ring{position:fixed;border-radius:10px;pointer-events:none;box-shadow:0 0 0 2.5px var(--a),0 0 0 7px rgb(79 70 229/.18);
box-shadow:0 0 0 2.5px var(--a),0 0 0 7px color-mix(in srgb,var(--a) 20%,transparent)}
dialog{position:fixed;inset:0;margin:auto;width:min(460px,calc(100vw - 32px));max-width:none;height:fit-content;
max-height:calc(100vh - 32px);padding:28px;border:0;border-radius:18px;overflow:auto;background:var(--surface);color:var(--text);
box-shadow:var(--shadow);font-size:15px;line-height:1.55;animation:rise .22s cubic-bezier(.2,.8,.3,1)}
dialog:focus{outline:none}
dialog::backdrop{background:rgb(13 16 28/.5);animation:fade .2s}
dialog h2{font-size:20px;margin-bottom:8px}
dialog .row{margin-top:22px}
dialog .close{top:14px;right:14px}
dialog .close+img{margin-top:12px}
.banner{position:fixed;left:12px;right:12px;display:flex;align-items:center;gap:14px;max-width:860px;margin:0 auto;
padding:12px 16px 12px 20px;border-radius:14px;background:var(--surface);color:var(--text);box-shadow:var(--shadow);
border-left:4px solid var(--a);font-size:14.5px;line-height:1.45;animation:in .22s ease-out}
.banner.top{top:12px}.banner.bottom{bottom:12px}
.banner .words{flex:1;min-width:0}
.banner h2{margin:0;font-size:15px}
.banner .close{position:static;flex:none}
.banner .primary{flex:none}
.beacon{position:fixed;width:28px;height:28px;min-height:0;padding:0;border-radius:50%;background:none!important}
.beacon::before,.beacon::after{content:"";position:absolute;inset:8px;border-radius:50%;background:var(--a)}
.beacon::before{animation:pulse 1.8s ease-out infinite}
.beacon::after{box-shadow:0 0 0 2px #fff}
.dots{display:flex;gap:6px;flex:1}
.dots i{width:7px;height:7px;border-radius:50%;background:var(--line)}
.dots i.on{background:var(--a)}
.tasks{right:16px;bottom:16px;width:min(340px,calc(100vw - 32px))}
.tasks ol{list-style:none;margin:14px 0 0;padding:0}
.tasks li+li{border-top:1px solid var(--line)}
.task{display:flex;gap:12px;width:100%;padding:11px 2px;border-radius:6px;justify-content:flex-start;align-items:flex-start;
text-align:left;font-weight:400;color:var(--text);text-decoration:none}
.task b{display:block;color:var(--text);font-weight:600;font-size:14.5px}
.task span{color:var(--soft);font-size:13.5px}
.mark{flex:none;display:grid;place-items:center;width:20px;height:20px;margin-top:1px;border:2px solid var(--line);border-radius:50%;
color:transparent}
.mark svg{width:12px;height:12px;stroke-width:3}
.done .mark{background:var(--a);border-color:var(--a);color:#fff}
.done .task b{color:var(--soft);text-decoration:line-through}
.bar{height:6px;margin-top:12px;border-radius:3px;background:var(--line);overflow:hidden}
.bar i{display:block;height:100%;border-radius:3px;background:var(--a);transition:width .25s}
fieldset{margin:18px 0 0;padding:0;border:0;min-width:0}
legend,.prompt{display:block;padding:0;margin-bottom:8px;font-weight:600;color:var(--text)}
.options{display:flex;flex-wrap:wrap;gap:8px}
.options.tall{flex-direction:column}
.options label{position:relative;display:flex;align-items:center;justify-content:center;min-width:42px;min-height:42px;padding:8px 12px;
border:1px solid var(--line);border-radius:10px;cursor:pointer}
.options.tall label{justify-content:flex-start;gap:10px}
.options label:hover{background:var(--hover)}
.options label:has(:checked){border-color:var(--a);box-shadow:inset 0 0 0 1px var(--a);
background:color-mix(in srgb,var(--a) 9%,transparent)}
.options input{accent-color:var(--a);margin:0}
.options:not(.tall) input{position:absolute;opacity:0;inset:0}
textarea{width:100%;min-height:84px;padding:10px 12px;border:1px solid var(--line);border-radius:10px;background:var(--surface);
color:var(--text);font:inherit;resize:vertical}
.note{margin:8px 0 0;color:#c0293b;font-size:13.5px}
.live{position:fixed;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@keyframes in{from{opacity:0;transform:translateY(6px)}}
@keyframes rise{from{opacity:0;transform:translateY(14px) scale(.98)}}
@keyframes fade{from{opacity:0}}
@keyframes pulse{from{transform:scale(1);opacity:.6}to{transform:scale(2.6);opacity:0}}
@media (max-width:520px){.banner{flex-wrap:wrap}.banner .words{flex-basis:70%}}
@media (prefers-reduced-motion:reduce){*,::before,::after,::backdrop{animation:none!important;transition:none!important}}
@media (forced-colors:active){.card,dialog,.banner{border:1px solid CanvasText}.primary{border:1px solid ButtonText}}
`;
